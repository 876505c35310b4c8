package store

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"sync"

	"golang.org/x/crypto/chacha20poly1305"

	"github.com/pars-network/pars/pkg/wire"
)

// Options says how a Store seals and how much it may keep. Only Key is needed.
type Options struct {
	// Key is the data encryption key (DEK) of the key file.
	Key Key
	// Rand gives nonces; nil is crypto/rand.
	Rand io.Reader
	// Limit is the disk budget in bytes, 0 for none. At 99 % writes give ErrFull; deletes always pass.
	Limit int64
	// FreeSpace tells the bytes left on the disk; nil is never asked. Below 8 MiB writes give ErrFull. It matters: an
	// engine that maps its files cannot survive a disk that fills up under it.
	FreeSpace func() (int64, error)
}

// Store seals records and commits them in groups.
type Store struct {
	engine Engine
	rand   io.Reader
	key    Key
	index  []byte
	quota  quota
	committer
}

// New derives the keys, starts the committer and takes over e: Close closes it.
func New(e Engine, o Options) (*Store, error) {
	key, err := hkdf.Key(sha256.New, o.Key[:], nil, wire.LabelStoreKey, len(Key{}))
	if err != nil {
		return nil, fmt.Errorf("derive store key: %w", err)
	}
	index, err := hkdf.Key(sha256.New, o.Key[:], nil, wire.LabelStoreIndex, len(Key{}))
	if err != nil {
		return nil, fmt.Errorf("derive index key: %w", err)
	}
	s := &Store{engine: e, rand: source(o.Rand), key: Key(key), index: index}
	if err := s.quota.start(e, o); err != nil {
		return nil, err
	}
	s.committer.start(e.Limit(), s.write)
	return s, nil
}

// Space returns the records of a group that are sealed with k, a session key.
func (s *Store) Space(group uint32, k Key) *Space { return s.space(group, k, 0) }

// Root returns the records of the node itself: group 0 under the store key.
func (s *Store) Root() *Space { return s.space(0, s.key, 0) }

// State returns the records of group 0 that stand under the state key k. They live in TableKeys only.
func (s *Store) State(k Key) *Space { return s.space(0, k, TableKeys) }

func (s *Store) space(group uint32, k Key, only Table) *Space {
	aead, err := chacha20poly1305.NewX(k[:])
	if err != nil {
		panic("store: a Key has 32 bytes") // cannot be: NewX refuses other lengths only
	}
	return &Space{s: s, group: group, aead: aead, only: only}
}

// Limit is the most bytes of keys and values that a Batch may have.
func (s *Store) Limit() int { return s.limit }

// Close commits what is queued, waits for the committer and closes the engine.
func (s *Store) Close() error {
	s.committer.stop()
	return s.engine.Close()
}

// source makes a reader safe for several goroutines; crypto/rand is already.
func source(r io.Reader) io.Reader {
	if r == nil || r == rand.Reader {
		return rand.Reader
	}
	return &locked{r: r}
}

type locked struct {
	mu sync.Mutex // guards r
	r  io.Reader
}

func (l *locked) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return io.ReadFull(l.r, p)
}
