package wire

import "testing"

func FuzzSomething(f *testing.F) {
	f.Fuzz(func(t *testing.T, b []byte) { DecodeCalled(b) })
}

func FuzzParseNamed(f *testing.F) {}

func TestNaked(t *testing.T) { DecodeNaked(nil) }
