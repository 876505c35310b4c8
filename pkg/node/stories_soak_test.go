//go:build soak

package node

import (
	"os"
	"time"
)

// stories is how many seeds TestStories runs in a soak.
func stories() uint64 { return 10_000 }

// soakFor is how long it goes on with random seeds after its own: PARS_SOAK, such as 8h, counted from the start.
func soakFor() time.Duration {
	d, err := time.ParseDuration(os.Getenv("PARS_SOAK"))
	if err != nil {
		return 0
	}
	return d
}
