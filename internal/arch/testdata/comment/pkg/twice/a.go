// Package twice is here.
package twice
