package pcsc

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/nfc"
)

// TestEmulate plays the virtual reader: the tag answers through its framing, forgets at a reset, and leaves when told.
func TestEmulate(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	tag, err := nfc.NewTag([]byte("ABC"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	done, apdus := make(chan error, 1), 0
	go func() { done <- Emulate(ctx, l.Addr().String(), tag, func(_, _ []byte) { apdus++ }) }()
	conn, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	send := func(b ...byte) {
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)); err != nil {
			t.Fatal(err)
		}
	}
	receive := func() []byte {
		var head [2]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			t.Fatal(err)
		}
		b := make([]byte, binary.BigEndian.Uint16(head[:]))
		if _, err := io.ReadFull(conn, b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	send(powerOn)
	send(sendATR)
	if got := receive(); string(got) != string(answerToReset()) {
		t.Errorf("ATR %x", got)
	}
	r := &nfc.Reader{Transmit: func(apdu []byte) ([]byte, error) { send(apdu...); return receive(), nil }}
	if got, err := r.Read(); err != nil || string(got) != "ABC" {
		t.Errorf("%q %v", got, err)
	}
	send(reset)
	send(0, 0xb0, 0, 0, 2)
	if got := receive(); binary.BigEndian.Uint16(got) != 0x6986 {
		t.Errorf("after a reset %x", got)
	}
	cancel()
	if err := <-done; err != nil || apdus != 7 {
		t.Errorf("%d APDUs: %v", apdus, err)
	}
}

// TestNobody: a daemon that is not there, and one that never answers, are errors in time.
func TestNobody(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("PCSCLITE_CSOCK_NAME", dir+"/none")
	if _, err := Wait(t.Context()); err == nil {
		t.Error("a daemon is reached that is not there")
	}
	l, err := net.Listen("unix", dir+"/silent")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	t.Setenv("PCSCLITE_CSOCK_NAME", dir+"/silent")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Wait(ctx); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrNotHere) {
		t.Errorf("got %v", err)
	}
}

func TestNoVirtualReader(t *testing.T) {
	tag, err := nfc.NewTag(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := Emulate(t.Context(), "127.0.0.1:1", tag, func(_, _ []byte) {}); err == nil {
		t.Error("a reader is reached that is not there")
	}
}
