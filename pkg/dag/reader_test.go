package dag

import (
	"bytes"
	"fmt"
	"io"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

// slow is an engine whose disk takes its time, so that whoever reads too early is caught at it.
type slow struct{ store.Engine }

// Commit writes late.
func (s slow) Commit(w []store.Write) error {
	time.Sleep(2 * time.Millisecond) // sleep: this is how long the disk takes
	return s.Engine.Commit(w)
}

// TestReadersNeverMiss: whoever reads while others write, receive and import finds all that is shown,
// and the channel of Changed is closed only when it is there.
func TestReadersNeverMiss(t *testing.T) {
	r := newRoom(t, 3)
	r.eng[1] = slow{r.eng[1]}
	r.open(1)
	r.give(1, r.root)
	var file bytes.Buffer
	for i := range 300 {
		it := r.write(0, fmt.Sprint(i)+string(make([]byte, 20_000)))
		file.Write(it.Append(nil))
	}
	l := r.logs[1]
	var wg sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		wg.Add(1)
		go func() {
			defer wg.Done()
			for last := uint32(0); ; {
				next := l.Changed()
				ms := l.Since(last)
				for _, m := range ms {
					if it, err := l.Item(m.Arrival); err != nil || it.ID != m.ID {
						t.Errorf("place %d is shown and not readable: %v", m.Arrival, err)
						return
					}
					last = m.Arrival + 1
				}
				select {
				case <-next:
				case <-stop:
					return
				}
			}
		}()
	}
	wg.Add(1)
	go func() {
		defer wg.Done()
		for i := range 30 {
			if _, err := l.Append(r.keys[1], Draft{Kind: vertex.App, Now: noon, Body: func(*vertex.Vertex) ([]byte, error) { return fmt.Append(nil, i), nil }}); err != nil {
				t.Error(err)
			}
		}
	}()
	if _, err := l.Import(bytes.NewReader(file.Bytes()), "file", noon, nil); err != nil {
		t.Error(err)
	}
	wg2 := make(chan struct{})
	go func() {
		defer close(wg2)
		for range 30 {
			l.Receive("peer", r.all(0)[:20], noon)
		}
	}()
	<-wg2
	close(stop)
	wg.Wait()
	if l.pending != 0 {
		t.Errorf("%d transactions pending when all is quiet", l.pending)
	}
}

// TestReadDuringASlowImport: an import that waits for its next bytes does not hold up those who read or write.
func TestReadDuringASlowImport(t *testing.T) {
	r := newRoom(t, 2)
	r.give(1, r.root)
	pr, pw := io.Pipe()
	done := make(chan error, 1)
	go func() {
		_, err := r.logs[1].Import(pr, "pipe", noon, nil)
		done <- err
	}()
	next := r.logs[1].Changed()
	for i := range 80 { // more than one transaction
		it := r.write(0, fmt.Sprint(i)+string(make([]byte, 50_000)))
		pw.Write(it.Append(nil))
	}
	<-next
	for _, m := range r.logs[1].Since(0) {
		if _, err := r.logs[1].Item(m.Arrival); err != nil {
			t.Error(err)
		}
	}
	if _, err := r.logs[1].Item(1 << 20); err == nil {
		t.Error("reads what is not there")
	}
	r.write(1, "says something meanwhile")
	r.give(1, r.write(0, "more"))
	pw.Close()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestVanishedRecord: a record that the engine dropped under an open log is an error, not a wait.
func TestVanishedRecord(t *testing.T) {
	r := newRoom(t, 2)
	it := r.write(0, "a")
	for _, w := range records(t, r.eng[0]) {
		if w.Key[0] == byte(store.TableVertex) {
			r.eng[0].Commit([]store.Write{{Key: w.Key}})
		}
	}
	m, _ := r.logs[0].Find(it.ID)
	if _, err := r.logs[0].Item(m.Arrival); err == nil {
		t.Error("read what is gone")
	}
}
