// Package twice is here too.
package twice
