package store

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"testing"
	"time"
)

// A failed fsync of the value log is told by badger's logger alone; from then on nothing is acknowledged.
func TestFailedSyncStopsCommits(t *testing.T) {
	said := ""
	e, err := OpenBadger(t.TempDir(), BadgerOptions{Phone: true, Log: func(s string) { said += s + "\n" }})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	w := []Write{{Key: []byte("a"), Value: []byte("1")}}
	e.(*badgerEngine).watch.Warningf("harmless sync")
	if err := e.Commit(w); err != nil {
		t.Fatal(err)
	}
	e.(*badgerEngine).watch.Errorf("Error while curlf sync: %v\n", syscall.EIO)
	for range 2 {
		if err := e.Commit(w); err == nil {
			t.Error("acknowledged after a failed sync")
		}
	}
	if want := "harmless sync\nError while curlf sync: input/output error\n"; said != want {
		t.Errorf("log: got %q want %q", said, want)
	}
	if _, err := e.Get([]byte("a")); err != nil {
		t.Errorf("reads go on: %v", err)
	}
}

// The options that durability and honesty stand on; a kill cannot show the first, since the kernel keeps the pages.
func TestSettings(t *testing.T) {
	for _, phone := range []bool{true, false} {
		o := settings(t.TempDir(), phone)
		if !o.SyncWrites || o.VerifyValueChecksum || o.ChecksumVerificationMode != 0 || len(o.EncryptionKey) != 0 || o.ValueThreshold != 128 {
			t.Errorf("phone=%v: %+v", phone, o)
		}
		if limit := o.MemTableSize * 15 / 100; limit < int64(batchLimit(phone)+MaxRecords*12) {
			t.Errorf("phone=%v: a full batch does not fit one transaction of %d bytes", phone, limit)
		}
	}
}

func TestFullDiskIsNamed(t *testing.T) {
	err := asFull(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC})
	if !errors.Is(err, ErrFull) {
		t.Errorf("got %v", err)
	}
}

func TestGuard(t *testing.T) {
	f := func() (err error) {
		defer faults()()
		defer guard(&err)
		var p *gate
		p.closed = true
		return nil
	}
	if err := f(); !errors.Is(err, ErrCorrupt) {
		t.Errorf("got %v", err)
	}
}

func TestSkip(t *testing.T) {
	for _, c := range []struct {
		step int
		want string
	}{{0, "0001"}, {3, "0008"}, {8, "0100"}, {15, "8000"}} {
		got := skip(nil, c.step)
		if s := fmt.Sprintf("%x", got[30:]); s != c.want || bytes.Count(got, []byte{0}) < 30 {
			t.Errorf("step %d: %x", c.step, got)
		}
	}
	full := bytes.Repeat([]byte{255}, 32)
	if got := skip(full, 0); got != nil {
		t.Errorf("behind the last key: %x", got)
	}
	if got := skip(nil, 256); got != nil {
		t.Errorf("step out of the key: %x", got)
	}
	if got := skip(full[:31], 0); !bytes.Equal(got, append(full[:31:31], 1)) {
		t.Errorf("got %x", got)
	}
}

// queued makes a committer whose requests wait; batches have n records of size bytes.
func queued(count, n, size int) *committer {
	c := &committer{queue: make(chan *request, 64), limit: MaxBatch}
	for range count {
		b := &Batch{}
		for range n {
			b.add(make([]byte, size), []byte{})
		}
		c.queue <- &request{batch: b}
	}
	return c
}

func TestGatherStaysWithinOneTransaction(t *testing.T) {
	for _, x := range []struct{ n, size, want int }{
		{1, 10, 20},                // all that is there
		{300, 10, 3},               // 1,024 records
		{1, MaxBatch / 4, 4},       // exactly 1 MiB
		{1, MaxBatch/4 + 1, 3},     // a byte more
		{2 * groupRecords, 10, 1},  // one that is larger than a group goes alone
		{1, MaxBatch/2 + 1<<10, 1}, // no two fit
	} {
		c := queued(20, x.n, x.size)
		group, next := c.gather(<-c.queue, 1)
		if len(group) != x.want || (next != nil) != (x.want < 20) || len(group)+len(c.queue) < 19 {
			t.Errorf("%d records of %d bytes: group of %d, next %v, left %d", x.n, x.size, len(group), next != nil, len(c.queue))
		}
	}
}

// Waiting for those who came last time ends once, whether they come or not.
func TestGatherWaitsOnce(t *testing.T) {
	c := queued(2, 1, 1)
	late := make(chan time.Time, 1)
	late <- time.Time{}
	want := 9
	for have := 0; have < 3; have++ {
		var r *request
		if r, want = c.more(have, want, late); (r == nil) != (have == 2) {
			t.Fatalf("request %d: %v", have, r)
		}
	}
	if want != 0 {
		t.Errorf("still waits for %d", want)
	}
	if group, next := c.gather(&request{batch: &Batch{}}, 9); len(group) != 1 || next != nil {
		t.Errorf("group of %d", len(group))
	}
}
