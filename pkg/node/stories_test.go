//go:build !soak

package node

// stories is how many seeds TestStories runs; 0 leaves it at its own number.
func stories() uint64 { return 0 }
