//go:build !unix

package node

import "strings"

// isInUse tells a port that is taken from other failures; Windows has its own number for it.
func isInUse(err error) bool { return strings.Contains(err.Error(), "Only one usage") }
