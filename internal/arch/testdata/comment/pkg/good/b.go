//go:build linux

package good
