//go:build !parsfull

package evm

import urfave "github.com/urfave/cli/v2"

// fullVerbs are none: phones, sticks and small machines do not link an execution node.
func fullVerbs() []*urfave.Command { return nil }
