// Package good is fine.
package good
