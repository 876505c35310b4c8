//go:build soak

package dag

import "testing"

// TestFlipsSoak: 10,000 seeds of broken records.
func TestFlipsSoak(t *testing.T) { flips(t, 1_000_000, 1_010_000) }

// TestMutationsSoak: 10^7 changed items and runs.
func TestMutationsSoak(t *testing.T) { mutations(t, 1_000_000, 10_000_000) }
