package light

import (
	"crypto/sha256"
	"encoding/binary"
)

// SplitSSZ cuts the answer to a request for updates, items of u64 LE length | 4-byte fork digest | update, into at
// most n updates. The digest is not looked at: the slot tells the fork.
func (s *Spec) SplitSSZ(b []byte, n int) ([][]byte, error) {
	var out [][]byte
	for len(b) > 0 {
		if len(b) < 12 || len(out) == n {
			return nil, because(ErrSize, "list of updates is torn or longer than %d", n)
		}
		size := binary.LittleEndian.Uint64(b)
		if size < 4 || size > uint64(s.MaxSize(KindUpdate)+4) || size > uint64(len(b)-8) {
			return nil, because(ErrSize, "update of %d bytes", size)
		}
		out = append(out, b[12:8+size])
		b = b[8+size:]
	}
	return out, nil
}

// ID is SHA-256 of what a stored state must fit: genesis and forks. A state of another chain is never used.
func (s *Spec) ID() [32]byte {
	b := append([]byte(nil), s.GenesisRoot[:]...)
	for _, n := range []uint64{s.GenesisTime, s.SecondsPerSlot, s.SlotsPerEpoch, s.EpochsPerPeriod, uint64(s.CommitteeSize)} {
		b = appendU64(b, n)
	}
	for _, f := range s.Forks {
		b = append(appendU64(append(b, byte(f.Fork)), f.Epoch), f.Version[:]...)
	}
	return sha256.Sum256(b)
}

const keptVersion = 1

// MaxKept is the most bytes of an exported store: less than 160 kB.
const MaxKept = 160 << 10

// Export writes the store: version 1 | ID 32 | u16 most signers before, now | three blocks of u32 length and SSZ of a
// bootstrap (finalized header and current committee; optimistic header and next committee or none) | SHA-256 of all
// before. Numbers are big endian. The best update is left out: it comes again.
func (st *Store) Export() []byte {
	id := st.spec.ID()
	b := append([]byte{keptVersion}, id[:]...)
	b = binary.BigEndian.AppendUint16(b, uint16(st.PrevMax))
	b = binary.BigEndian.AppendUint16(b, uint16(st.CurMax))
	next := st.Next
	if next == nil {
		next = &Committee{Keys: make([][48]byte, st.spec.CommitteeSize)}
	}
	b = st.keep(b, &st.Finalized, st.Current)
	b = st.keep(b, &st.Optimistic, next)
	sum := sha256.Sum256(b)
	return append(b, sum[:]...)
}

func (st *Store) keep(b []byte, h *Header, c *Committee) []byte {
	f := st.spec.ForkAt(h.Beacon.Slot).shape()
	one := (&Bootstrap{Header: *h, Current: c, Branch: make([]Root, depth(f.current))}).Encode(st.spec)
	return append(binary.BigEndian.AppendUint32(b, uint32(len(one))), one...)
}

// DecodeStore reads what Export wrote for the same chain. What is in it is believed: keep it where only the owner
// writes.
func DecodeStore(s *Spec, b []byte) (*Store, error) {
	if len(b) < 1+32+4+32 || len(b) > MaxKept || b[0] != keptVersion {
		return nil, because(ErrSize, "kept state of %d bytes, or of another version", len(b))
	}
	body, id := b[:len(b)-32], s.ID()
	if sha256.Sum256(body) != [32]byte(b[len(b)-32:]) {
		return nil, because(ErrSize, "kept state is damaged")
	}
	if [32]byte(body[1:33]) != id {
		return nil, because(ErrRoot, "kept state belongs to another chain")
	}
	st := &Store{spec: s, PrevMax: int(binary.BigEndian.Uint16(body[33:])), CurMax: int(binary.BigEndian.Uint16(body[35:]))}
	final, rest, err := s.kept(body[37:])
	if err != nil {
		return nil, err
	}
	head, rest, err := s.kept(rest)
	if err != nil {
		return nil, err
	}
	if len(rest) != 0 {
		return nil, because(ErrSize, "kept state has surplus bytes")
	}
	st.Finalized, st.Current, st.Optimistic = final.Header, final.Current, head.Header
	if !head.Current.isEmpty() {
		st.Next = head.Current
	}
	return st, nil
}

func (s *Spec) kept(b []byte) (*Bootstrap, []byte, error) {
	if len(b) < 4 || uint64(binary.BigEndian.Uint32(b)) > uint64(len(b)-4) {
		return nil, nil, because(ErrSize, "kept state is torn")
	}
	n := 4 + int(binary.BigEndian.Uint32(b))
	one, err := s.DecodeBootstrap(b[4:n])
	return one, b[n:], err
}
