// Package none is told apart in its tests only.
package none
