//go:build soak

package peerbook

const eclipseSeeds = 10_000
