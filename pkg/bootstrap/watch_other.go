//go:build !linux

package bootstrap

import "errors"

// events are told on Linux only.
type events struct{}

func openEvents() (*events, error) { return nil, errors.New("this system tells none") }

func (*events) run(func()) {}

func (*events) close() {}
