//go:build !soak

package node

import "time"

// stories is how many seeds TestStories runs; 0 leaves it at its own number.
func stories() uint64 { return 0 }

// soakFor is how long it goes on with random seeds: not at all.
func soakFor() time.Duration { return 0 }
