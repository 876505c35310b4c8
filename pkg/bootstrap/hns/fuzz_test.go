package hns

import (
	"bytes"
	"encoding/json"
	"errors"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func wrapped(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, wire.ErrInvalid) {
		t.Fatal(err)
	}
}

func FuzzDecodeHeader(f *testing.F) {
	_, b := mainNet(f)
	f.Add(b[36 : 36+HeaderSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		h, err := DecodeHeader(b)
		wrapped(t, err)
		if err == nil && !bytes.Equal(h.Append(nil), b) {
			t.Fatal("another encoding")
		}
		if err == nil && h.Hash() == (Hash{}) {
			t.Fatal("no hash")
		}
	})
}

func FuzzDecodeHeaders(f *testing.F) {
	_, b := mainNet(f)
	f.Add(append([]byte{2}, b[36:36+2*HeaderSize]...))
	f.Add([]byte{0})
	f.Fuzz(func(t *testing.T, b []byte) {
		list, err := DecodeHeaders(b)
		wrapped(t, err)
		if err == nil && !bytes.Equal(encodeHeaders(list), b) {
			t.Fatal("another encoding")
		}
	})
}

func FuzzDecodeCheckpoint(f *testing.F) {
	n, b := mainNet(f)
	f.Add(b[:36+3*HeaderSize])
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := DecodeCheckpoint(n, b)
		wrapped(t, err)
	})
}

func FuzzDecodeState(f *testing.F) {
	n := easy(f)
	c := newChain(f, n)
	grow(f, c, c.tip, 3, 600, 1)
	f.Add(c.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := DecodeState(n, b)
		wrapped(t, err)
		if err == nil && !bytes.Equal(c.Encode(), b) {
			t.Fatal("another encoding")
		}
	})
}

func FuzzDecodeSlip(f *testing.F) {
	p, err := DecodeProof(vectors(f)[9].proof)
	if err != nil {
		f.Fatal(err)
	}
	s := Slip{"pars", 7, Hash{1}, p}
	f.Add(s.Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeSlip(b)
		wrapped(t, err)
		if err == nil && !bytes.Equal(s.Encode(), b) {
			t.Fatal("another encoding")
		}
	})
}

// The packets of a peer that are no Decode of their own.
func FuzzPackets(f *testing.F) {
	v := version{protocol: 3, agent: "/x/"}
	f.Add(appendPacket(nil, 5, cmdVersion, v.encode()))
	f.Add(appendPacket(nil, 5, cmdProof, append(make([]byte, 64), vectors(f)[9].proof...)))
	f.Fuzz(func(t *testing.T, b []byte) {
		budget := 1 << 16
		_, payload, err := readPacket(bytes.NewReader(b), 5, &budget)
		if err != nil {
			return
		}
		_, err = decodeVersion(payload)
		wrapped(t, err)
		_, _, _, err = decodeProofPacket(payload)
		wrapped(t, err)
	})
}

func FuzzParseNetwork(f *testing.F) {
	for _, name := range names() {
		n, err := LoadNetwork(name)
		if err != nil {
			f.Fatal(err)
		}
		b, err := json.Marshal(n)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n, err := ParseNetwork(b)
		wrapped(t, err)
		if err == nil && n.ID() == (Hash{}) {
			t.Fatal("no first block")
		}
	})
}
