//go:build soak

package node

// stories is how many seeds TestStories runs in a soak.
func stories() uint64 { return 10_000 }
