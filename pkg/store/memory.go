package store

import (
	"slices"
	"strings"
	"sync"
)

// memory is the twin of badger without a disk: the same contract, gone with the process.
type memory struct {
	gate
	mu   sync.RWMutex // guards keys, news, vals, size
	keys []string     // ascending; those that are not in vals are gone
	news []string     // keys since the last Scan, in the order of their coming
	vals map[string][]byte
	size int64
}

// NewMemory returns an empty engine that keeps everything in memory.
func NewMemory() Engine { return &memory{vals: map[string][]byte{}} }

func (m *memory) Get(key []byte) ([]byte, error) {
	if err := m.enter(); err != nil {
		return nil, err
	}
	defer m.leave()
	m.mu.RLock()
	defer m.mu.RUnlock()
	v, ok := m.vals[string(key)]
	if !ok {
		return nil, ErrNotFound
	}
	return slices.Clone(v), nil
}

func (m *memory) Scan(prefix, from []byte, fn func(k, v []byte) bool) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.leave()
	for _, w := range m.snapshot(string(prefix), string(from)) {
		if !fn(w.Key, w.Value) {
			break
		}
	}
	return nil
}

// snapshot takes the range under the lock: values are never changed in place, so no copy is needed.
func (m *memory) snapshot(prefix, from string) []Write {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sort()
	var out []Write
	i, _ := slices.BinarySearch(m.keys, max(prefix, from))
	for ; i < len(m.keys) && strings.HasPrefix(m.keys[i], prefix); i++ {
		out = append(out, Write{[]byte(m.keys[i]), m.vals[m.keys[i]]})
	}
	return out
}

// sort brings keys up to date: writers do not pay for an order that only Scan needs.
func (m *memory) sort() {
	m.keys = slices.DeleteFunc(append(m.keys, m.news...), func(k string) bool { return m.vals[k] == nil })
	m.news = nil
	slices.Sort(m.keys)
	m.keys = slices.Compact(m.keys)
}

func (m *memory) Limit() int { return MaxBatch }

func (m *memory) Commit(writes []Write) error {
	if err := m.enter(); err != nil {
		return err
	}
	defer m.leave()
	if err := checkBatch(writes, m.Limit()); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, w := range writes {
		m.apply(w)
	}
	return nil
}

func (m *memory) apply(w Write) {
	k := string(w.Key)
	old, found := m.vals[k]
	if found {
		m.size -= int64(len(k) + len(old))
	}
	if w.Value == nil {
		delete(m.vals, k)
		return
	}
	if !found {
		m.news = append(m.news, k)
	}
	m.vals[k] = append([]byte{}, w.Value...)
	m.size += int64(len(k) + len(w.Value))
}

func (m *memory) Size() (int64, error) {
	if err := m.enter(); err != nil {
		return 0, err
	}
	defer m.leave()
	m.mu.RLock()
	defer m.mu.RUnlock()
	return m.size, nil
}

func (m *memory) Close() error {
	m.shut()
	return nil
}
