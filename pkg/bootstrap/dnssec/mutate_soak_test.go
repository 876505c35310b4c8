//go:build soak

package dnssec

import "testing"

// TestMutatedSoak: 10^7 changed inputs.
func TestMutatedSoak(t *testing.T) { mutated(t, 1_000_000, 10_000_000) }
