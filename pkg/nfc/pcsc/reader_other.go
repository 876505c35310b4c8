//go:build !linux

package pcsc

import "context"

// Card is a tag on a reader. There is none on this platform.
type Card struct{}

// Wait returns ErrNotHere.
func Wait(context.Context) (*Card, error) { return nil, ErrNotHere }

// Transmit returns ErrNotHere.
func (*Card) Transmit([]byte) ([]byte, error) { return nil, ErrNotHere }

// Close does nothing.
func (*Card) Close() error { return nil }
