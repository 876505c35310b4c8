package store

// chunk is the piece in which a Batch takes memory: few allocations for many small records.
const chunk = 64 << 10

// Batch collects writes that are committed together or not at all. The zero value is empty and ready. It can be
// committed once more after a failure, but must not be changed while Commit runs.
type Batch struct {
	writes []Write
	bytes  int
	free   []byte // rest of the newest chunk
	ad     []byte // scratch
	err    error  // first failure of a Put, told by Commit
}

// Len is the number of writes.
func (b *Batch) Len() int { return len(b.writes) }

// Bytes is the size of all keys and values, what Store.Limit is about.
func (b *Batch) Bytes() int { return b.bytes }

// alloc returns n bytes of their own with no room behind.
func (b *Batch) alloc(n int) []byte {
	if len(b.free) < n {
		b.free = make([]byte, max(chunk, n))
	}
	out := b.free[:n:n]
	b.free = b.free[n:]
	return out
}

// add takes a write whose slices belong to the batch.
func (b *Batch) add(k, v []byte) {
	b.writes = append(b.writes, Write{k, v})
	b.bytes += len(k) + len(v)
}

// fail keeps the first error.
func (b *Batch) fail(err error) {
	if b.err == nil {
		b.err = err
	}
}

// onlyDeletes tells whether the batch may pass a full store.
func (b *Batch) onlyDeletes() bool {
	for _, w := range b.writes {
		if w.Value != nil {
			return false
		}
	}
	return true
}
