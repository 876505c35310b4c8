//go:build !soak

package e2e

// soak tells that the long set runs.
const soak = false
