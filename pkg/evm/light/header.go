package light

import "slices"

// BeaconHeader is BeaconBlockHeader of the consensus specs.
type BeaconHeader struct {
	Slot, Proposer          uint64
	Parent, StateRoot, Body Root
}

const beaconSize = 112

// Root is the hash_tree_root: the id of the block.
func (h *BeaconHeader) Root() Root {
	return merkle([]Root{number(h.Slot), number(h.Proposer), h.Parent, h.StateRoot, h.Body}, 3)
}

func (h *BeaconHeader) append(b []byte) []byte {
	b = appendU64(appendU64(b, h.Slot), h.Proposer)
	return appendBranch(b, []Root{h.Parent, h.StateRoot, h.Body})
}

func (r *reader) beacon() BeaconHeader {
	return BeaconHeader{r.u64(), r.u64(), r.root(), r.root(), r.root()}
}

// Exec is ExecutionPayloadHeader of the consensus specs.
type Exec struct {
	Parent      Root
	Recipient   [20]byte
	StateRoot   Root
	Receipts    Root
	Bloom       [256]byte
	Randao      Root
	Number      uint64
	GasLimit    uint64
	GasUsed     uint64
	Time        uint64 // Unix seconds
	Extra       []byte // at most 32 bytes
	BaseFee     Root   // little endian
	Hash        Root
	Txs         Root // hash_tree_root, not the root of the execution header
	Withdrawals Root // the same
	BlobGas     uint64
	ExcessBlob  uint64
}

const maxExtra = 32

func (s shape) execSize() int {
	if s.blobs {
		return 584
	}
	return 568
}

// headerSize is the fixed part of a LightClientHeader, headerMax its most.
func (s shape) headerSize() int {
	if s.exec {
		return beaconSize + 4 + 4*32
	}
	return beaconSize
}

func (s shape) headerMax() int {
	if s.exec {
		return s.headerSize() + s.execSize() + maxExtra
	}
	return beaconSize
}

// root is the hash_tree_root in the form of the fork of the header's own slot.
func (e *Exec) root(s shape) Root {
	var to Root
	copy(to[:], e.Recipient[:])
	extra := pair(merkle(chunks(e.Extra), 0), number(uint64(len(e.Extra))))
	leaves := []Root{e.Parent, to, e.StateRoot, e.Receipts, merkle(chunks(e.Bloom[:]), 3), e.Randao, number(e.Number), number(e.GasLimit),
		number(e.GasUsed), number(e.Time), extra, e.BaseFee, e.Hash, e.Txs, e.Withdrawals}
	if !s.blobs {
		return merkle(leaves, 4)
	}
	return merkle(append(leaves, number(e.BlobGas), number(e.ExcessBlob)), 5)
}

func (e *Exec) append(b []byte, s shape) []byte {
	b = append(append(b, e.Parent[:]...), e.Recipient[:]...)
	b = append(appendBranch(b, []Root{e.StateRoot, e.Receipts}), e.Bloom[:]...)
	b = append(b, e.Randao[:]...)
	for _, n := range []uint64{e.Number, e.GasLimit, e.GasUsed, e.Time} {
		b = appendU64(b, n)
	}
	b = appendOffset(b, s.execSize())
	b = appendBranch(b, []Root{e.BaseFee, e.Hash, e.Txs, e.Withdrawals})
	if s.blobs {
		b = appendU64(appendU64(b, e.BlobGas), e.ExcessBlob)
	}
	return append(b, e.Extra...)
}

func decodeExec(b []byte, s shape) (*Exec, bool) {
	r := reader{b: b}
	e := &Exec{Parent: r.root()}
	copy(e.Recipient[:], r.take(20))
	e.StateRoot, e.Receipts = r.root(), r.root()
	copy(e.Bloom[:], r.take(256))
	e.Randao, e.Number, e.GasLimit, e.GasUsed, e.Time = r.root(), r.u64(), r.u64(), r.u64(), r.u64()
	at := r.offset()
	e.BaseFee, e.Hash, e.Txs, e.Withdrawals = r.root(), r.root(), r.root(), r.root()
	if s.blobs {
		e.BlobGas, e.ExcessBlob = r.u64(), r.u64()
	}
	if r.bad || at != s.execSize() || len(r.b) > maxExtra {
		return nil, false
	}
	e.Extra = slices.Clone(r.b)
	return e, true
}

// Header is LightClientHeader: a beacon header and, from Capella on, the execution header in its block.
type Header struct {
	Beacon BeaconHeader
	Exec   *Exec // nil before Capella
	Branch []Root
}

func (h *Header) append(b []byte, s shape) []byte {
	b = h.Beacon.append(b)
	if !s.exec {
		return b
	}
	b = appendBranch(appendOffset(b, s.headerSize()), h.Branch)
	return h.Exec.append(b, s)
}

func decodeHeader(b []byte, s shape) (h Header, ok bool) {
	r := reader{b: b}
	h.Beacon = r.beacon()
	if !s.exec {
		return h, !r.bad && len(r.b) == 0
	}
	at := r.offset()
	h.Branch = r.branch(payloadIndex)
	if r.bad || at != s.headerSize() {
		return h, false
	}
	h.Exec, ok = decodeExec(r.b, s)
	return h, ok
}

// empty is the default value of a container's header.
func (s shape) empty() Header {
	if !s.exec {
		return Header{}
	}
	return Header{Exec: &Exec{}, Branch: make([]Root, 4)}
}

func (h *Header) isEmpty(s shape) bool {
	e := s.empty()
	return slices.Equal(h.append(nil, s), e.append(nil, s))
}

// ExecRoot is get_lc_execution_root: zero before Capella.
func (s *Spec) ExecRoot(h *Header) Root {
	own := s.ForkAt(h.Beacon.Slot).shape()
	if !own.exec || h.Exec == nil {
		return Root{}
	}
	return h.Exec.root(own)
}

// checkHeader is is_valid_light_client_header.
func (s *Spec) checkHeader(h *Header, in shape) error {
	fork := s.ForkAt(h.Beacon.Slot)
	own := fork.shape()
	switch {
	case fork == NoFork:
		return because(ErrFork, "slot %d", h.Beacon.Slot)
	case !own.exec && in.exec:
		bare := Header{Beacon: h.Beacon, Exec: &Exec{}, Branch: make([]Root, 4)}
		if !slices.Equal(h.append(nil, in), bare.append(nil, in)) {
			return because(ErrBranch, "execution header before Capella")
		}
	case !own.exec:
	case !own.blobs && (h.Exec.BlobGas != 0 || h.Exec.ExcessBlob != 0):
		return because(ErrBranch, "blob gas before Deneb")
	case !leads(h.Exec.root(own), h.Branch, payloadIndex, h.Beacon.Body):
		return because(ErrBranch, "execution header")
	}
	return nil
}
