//go:build soak

package dht

import "testing"

// TestRecordMutatedSoak: 10^7 changed records.
func TestRecordMutatedSoak(t *testing.T) { mutated(t, 1_000_000, 10_000_000) }
