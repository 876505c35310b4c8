//go:build !soak

package peerbook

const eclipseSeeds = 250
