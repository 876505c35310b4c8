package dag

import (
	"bufio"
	"crypto/aes"
	"crypto/cipher"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"slices"
	"sync"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// Workload is a log to be imported: signed entries by several authors who write at the same time, made from a seed.
type Workload struct {
	Vertices int
	Size     int // bytes of an entry as exported
	Authors  int
	Seed     uint64
}

// writers of one round do not see each other.
const roundWriters = 3

func (w Workload) key(i int) sig.Private {
	return sig.FromSeed([32]byte{byte(i), byte(i >> 8), byte(w.Seed), byte(w.Seed >> 8), 'b'})
}

// Write exports the log to out, parents first, and returns its genesis.
func (w Workload) Write(out io.Writer) (root vertex.Item, err error) {
	if w.Authors < roundWriters || w.Vertices < 1 || w.Size < 512 || w.Size > vertex.MaxBody {
		return root, fmt.Errorf("a log of %d entries of %d bytes by %d authors cannot be made", w.Vertices, w.Size, w.Authors)
	}
	bw := bufio.NewWriterSize(out, 1<<20)
	m, err := newMaker(w)
	if err != nil {
		return root, err
	}
	root = m.root
	batch := []made{{it: root, key: m.keys[0]}}
	for n := 1; n < w.Vertices; {
		for len(batch) < 4096 && n < w.Vertices {
			round := m.round(min(roundWriters, w.Vertices-n))
			n += len(round)
			batch = append(batch, round...)
		}
		if err := signAll(bw, batch); err != nil {
			return root, err
		}
		batch = batch[:0]
	}
	return root, errors.Join(signAll(bw, batch), bw.Flush())
}

// made is an entry that is not signed yet.
type made struct {
	it  vertex.Item
	key sig.Private
}

// maker writes the entries of a Workload in turn.
type maker struct {
	w     Workload
	fill  cipher.Stream // all bytes that look like chance
	keys  []sig.Private
	last  []*vertex.Item
	heads []vertex.Item
	root  vertex.Item
}

func newMaker(w Workload) (*maker, error) {
	block, err := aes.NewCipher([]byte{byte(w.Seed), byte(w.Seed >> 8), 15: 'b'})
	if err != nil {
		return nil, err
	}
	m := &maker{w: w, fill: cipher.NewCTR(block, make([]byte, aes.BlockSize)), last: make([]*vertex.Item, w.Authors)}
	for i := range w.Authors {
		m.keys = append(m.keys, w.key(i))
	}
	author := m.keys[0].Public()
	v := vertex.Vertex{Session: vertex.SessionOf(author), Author: author, Lamport: 1, HLC: 1_800_000_000_000, Kind: vertex.Control}
	m.root = vertex.Seal(v, []byte("create"), m.keys[0])
	m.last[0], m.heads = &m.root, []vertex.Item{m.root}
	return m, nil
}

// round lets n authors write on top of the heads.
func (m *maker) round(n int) (out []made) {
	first := make([]byte, 1)
	m.fill.XORKeyStream(first, first)
	for i := range n {
		a := (int(first[0]) + i) % m.w.Authors
		out = append(out, made{m.entry(a), m.keys[a]})
	}
	m.heads = m.heads[:0]
	for i := range out {
		m.heads = append(m.heads, out[i].it)
	}
	return out
}

func (m *maker) entry(a int) vertex.Item {
	v := vertex.Vertex{Session: m.root.Session, Author: m.keys[a].Public(), Kind: vertex.App}
	if p := m.last[a]; p != nil {
		v.Seq, v.Prev, v.Lamport = p.Seq+1, p.ID, p.Lamport
	}
	for i := range m.heads {
		h := &m.heads[i]
		v.Lamport, v.HLC = max(v.Lamport, h.Lamport), max(v.HLC, h.HLC+1000)
		if v.Seq == 0 || h.ID != v.Prev {
			v.Parents = append(v.Parents, h.ID)
		}
	}
	slices.SortFunc(v.Parents, vertex.ID.Compare)
	v.Lamport++
	const around = 3 + 67 + 3 + 35 + 5 // array, signature, head of the body, body hash, size
	body := make([]byte, max(34, m.w.Size-around-len(v.AppendSkeleton(nil))))
	m.fill.XORKeyStream(body, body)
	v.SetBody(body)
	it := vertex.Item{Vertex: v, ID: vertex.IDOf(v.AppendMap(nil)), Signed: true, Body: body}
	m.last[a] = &vertex.Item{Vertex: v, ID: it.ID}
	return it
}

// signAll signs entries on all cores and writes them in order.
func signAll(w io.Writer, batch []made) error {
	var wg sync.WaitGroup
	parts := runtime.NumCPU()
	for p := range parts {
		wg.Go(func() {
			for i := p; i < len(batch); i += parts {
				batch[i].it.Sig = vertex.Sign(batch[i].key, batch[i].it.ID)
			}
		})
	}
	wg.Wait()
	var buf []byte
	for i := range batch {
		buf = batch[i].it.Append(buf[:0])
		if _, err := w.Write(buf); err != nil {
			return err
		}
	}
	return nil
}

// File writes the log to a file of dir.
func (w Workload) File(dir string) (name string, root vertex.Item, err error) {
	f, err := os.CreateTemp(dir, "workload-")
	if err != nil {
		return "", root, err
	}
	root, err = w.Write(f)
	return f.Name(), root, errors.Join(err, f.Sync(), f.Close())
}
