package reconcile

import (
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/pars-network/pars/pkg/wire"
)

// Set is one session's log as the machine sees it. Arrival numbers name vertices that are here; they
// ascend in the order in which the log took them. Calls may read and write the disk.
type Set interface {
	Secret() [32]byte // sync secret: what members prove to each other
	Digest() [32]byte // of the heads
	Size() uint64
	Arrivals() uint32 // the next arrival number
	Authors() []Author
	At(key [32]byte, seq uint64) ([32]byte, bool)
	Suffix(key [32]byte, seq uint64) []uint32
	Since(arrival uint32) []uint32
	Place(id [32]byte) (uint32, bool)
	ID(arrival uint32) ([32]byte, bool)
	Heads() [][32]byte
	Wants(max int) (vertices, bodies [][32]byte)
	// Sort orders arrival numbers so that what is named comes first.
	Sort(arrivals []uint32)
	// Pack packs leading arrivals, sorted, into a run of at most max bytes and says how many it took: 0
	// when not one fits. What cannot be read is taken and left out, so a run may be empty.
	Pack(arrivals []uint32, max int) (run []byte, n int, err error)
	// Take commits a run. Its error means that this node cannot store, never that the run is bad.
	Take(run []byte) (Taken, error)
	// Sent tells that the peer has stored everything below an arrival number.
	Sent(arrival uint32)
}

// Taken says what became of a run.
type Taken struct {
	New, Known, Parked, Refused int
	Places                      []uint32 // vertices of the run that are now in the log
}

// Config makes a Machine.
type Config struct {
	Me, Peer []byte // peer ids
	Nonce    [16]byte
	Sets     []Set
	Rand     func([]byte) error
	Budget   uint64 // most bytes of frames, both ways together; 0: none
	// Quiet says that what is new in the i-th Set reaches the peer by another way, so that it is compared, not pushed;
	// nil: it is always pushed.
	Quiet  func(i int) bool
	Window uint64 // seconds for which the line is likely to last; 0: no end is in sight
}

// Credit in bytes of runs: what a side may send before the first commit is known, and what may be
// outstanding at most.
const (
	firstCredit = 64 << 10
	maxCredit   = 1 << 20
	maxRun      = 192 << 10
)

// ErrPeer is the root of errors for which the peer is to blame.
var ErrPeer = errors.New("peer breaks the sync protocol")

// ErrLimits is the ErrPeer of a peer that costs too much; a Set answers with it from Take.
var ErrLimits = fmt.Errorf("%w: over its limits", ErrPeer)

// Machine is one side of a sync stream. Not safe for concurrent use: the goroutine of the stream owns it.
type Machine struct {
	cfg     Config
	theirs  hello
	greeted bool
	matched bool
	links   []*link          // by our tag's index
	byTag   map[uint64]*link // by the other side's tag index
	credit  int64            // bytes we may send
	window  int64            // bytes we granted in all that may be outstanding
	next    int              // link that sends next
	first   []*link          // those that go before all others
	narrow  bool             // one side's line is short
	left    int64            // bytes of the smaller budget
	bare    int64            // of them, for vertices without bodies
	out     []Frame
}

// New returns a Machine. Start begins it.
func New(cfg Config) *Machine {
	m := &Machine{cfg: cfg, byTag: map[uint64]*link{}, credit: firstCredit, window: firstCredit, left: noBudget}
	for i, s := range cfg.Sets {
		m.links = append(m.links, &link{m: m, set: s, mine: uint64(i)})
	}
	return m
}

func (m *Machine) send(f Frame) {
	m.use(len(f.Payload))
	m.out = append(m.out, f)
}

func (m *Machine) flush() []Frame {
	out := m.out
	m.out = nil
	return out
}

func mac8(secret [32]byte, label string, parts ...[]byte) (out [8]byte) {
	h := hmac.New(sha256.New, secret[:])
	h.Write([]byte(label))
	for _, p := range parts {
		h.Write(p)
	}
	copy(out[:], h.Sum(nil))
	return out
}

func tag(secret [32]byte, nonce [16]byte, peer []byte) [8]byte {
	return mac8(secret, wire.LabelSyncTag, nonce[:], peer)
}

// Start returns the first frame: a HELLO whose tags, padded with random ones, say which sessions are
// here to members alone.
func (m *Machine) Start() ([]Frame, error) {
	h := hello{Versions: []uint64{1}, Nonce: m.cfg.Nonce, Budget: m.cfg.Budget, Window: m.cfg.Window}
	for _, l := range m.links {
		h.Tags = append(h.Tags, tag(l.set.Secret(), m.cfg.Nonce, m.cfg.Me))
	}
	n := 8
	for n < len(h.Tags) {
		n *= 2
	}
	for len(h.Tags) < n {
		var t [8]byte
		if err := m.cfg.Rand(t[:]); err != nil {
			return nil, err
		}
		h.Tags = append(h.Tags, t)
	}
	m.send(h.frame())
	return m.flush(), nil
}

// Receive takes a frame and returns what to send. After an error the frames are still to be sent, then
// the stream ends; the error Is ErrPeer when the peer is to blame.
func (m *Machine) Receive(f Frame) ([]Frame, error) {
	m.use(len(f.Payload))
	err := m.frame(f)
	if err == nil {
		err = m.pump()
	}
	if errors.Is(err, wire.ErrInvalid) {
		err = fmt.Errorf("%w: frame %d: %w", ErrPeer, f.Type, err)
	}
	if err != nil {
		code := uint64(codeInternal)
		if errors.Is(err, ErrPeer) {
			code = codeProtocol
		}
		switch {
		case errors.Is(err, errNotMember):
			code = codeNotMember
		case errors.Is(err, ErrLimits):
			code = codeLimits
		}
		m.send((&fault{Code: code}).frame())
	}
	return m.flush(), err
}

var errNotMember = fmt.Errorf("%w: a proof of membership is wrong", ErrPeer)

func protocol(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrPeer, fmt.Sprintf(format, args...))
}

func (m *Machine) frame(f Frame) error {
	switch {
	case f.Type == typeHello:
		return m.hello(f.Payload)
	case !m.greeted:
		return protocol("frame %d before HELLO", f.Type)
	case f.Type == typeErr:
		e, err := decodeFault(f.Payload)
		if err != nil {
			return err
		}
		return protocol("it ended the stream with error %d", e.Code)
	case f.Type == typeMatch:
		return m.match(f.Payload)
	case f.Type == typeCredit:
		c, err := decodeNumbers(f.Type, f.Payload)
		m.credit = min(m.credit+int64(c.A), 2*maxCredit)
		for _, l := range m.links {
			if l.mineK != nil && c.B > 0 {
				l.mineK.credit = min(l.mineK.credit+int(c.B), maxSketch)
				l.sendCells()
			}
		}
		return err
	case f.Type >= 128:
		return nil
	}
	return m.session(f)
}

func (m *Machine) hello(b []byte) (err error) {
	if m.greeted {
		return protocol("a second HELLO")
	}
	if m.theirs, err = decodeHello(b); err != nil {
		return err
	}
	ok := false
	for _, v := range m.theirs.Versions {
		ok = ok || v == 1
	}
	if !ok {
		return protocol("no common version")
	}
	m.greeted = true
	m.agree()
	var answer match
	for _, l := range m.links {
		secret := l.set.Secret()
		mine := tag(secret, m.theirs.Nonce, m.cfg.Peer)
		for i, t := range m.theirs.Tags {
			if t == mine && m.byTag[uint64(i)] == nil {
				l.theirs = uint64(i)
				m.byTag[uint64(i)] = l
				answer.Proofs = append(answer.Proofs, proof{uint64(i), m.proof(secret, m.cfg.Nonce, m.theirs.Nonce, m.cfg.Me)})
				break
			}
		}
	}
	m.send(answer.frame())
	return nil
}

func (m *Machine) proof(secret [32]byte, prover, other [16]byte, peer []byte) [8]byte {
	return mac8(secret, wire.LabelSyncProof, prover[:], other[:], peer)
}

// match takes the proofs that the peer knows the sessions of our tags.
func (m *Machine) match(b []byte) error {
	a, err := decodeMatch(b)
	if err != nil {
		return err
	}
	if m.matched {
		return protocol("a second MATCH")
	}
	m.matched = true
	for _, p := range a.Proofs {
		if p.Index >= uint64(len(m.links)) {
			return errNotMember // it answers a tag that was random
		}
		l := m.links[p.Index]
		want := m.proof(l.set.Secret(), m.theirs.Nonce, m.cfg.Nonce, m.cfg.Peer)
		if !hmac.Equal(want[:], p.Proof[:]) || m.byTag[l.theirs] != l {
			return errNotMember
		}
		if !l.proved {
			l.proved = true
			l.begin()
		}
	}
	return nil
}

// session hands a frame to its link.
func (m *Machine) session(f Frame) error {
	n, err := sessionOf(f)
	if err != nil {
		return err
	}
	l := m.byTag[n]
	if l == nil || !l.proved {
		return protocol("frame %d of a session that is not shared", f.Type)
	}
	switch f.Type {
	case typeState:
		return l.gotState(f.Payload)
	case typeVector:
		return l.gotVector(f.Payload)
	case typeCells:
		return l.gotCells(f.Payload)
	case typeHeads:
		return l.gotHeads(f.Payload)
	case typeWant:
		return l.gotWant(f.Payload)
	case typeRun:
		return l.gotRun(f.Payload)
	case typeGone:
		return l.gotGone(f.Payload)
	case typeDone:
		return l.gotDone(f.Payload)
	case typeAck:
		return l.gotAck(f.Payload)
	}
	return protocol("unknown frame %d", f.Type)
}

// sessionOf reads the session number with which every frame of a session begins.
func sessionOf(f Frame) (uint64, error) {
	if f.Type == typeRun || f.Type == typeCells {
		r := wire.NewReader(f.Payload)
		return r.Uvarint(maxTags), r.Err()
	}
	d := wire.NewDecoder(f.Payload)
	p := d.Map(64)
	if !p.Next() || p.Key != 0 {
		return 0, wire.Invalid("frame without a session")
	}
	return d.Uint(maxTags), d.Err()
}

// Changed pushes what the logs took since the last call to a peer that is level.
func (m *Machine) Changed() ([]Frame, error) {
	for _, l := range m.links {
		if l.live {
			l.push()
		}
	}
	err := m.pump()
	return m.flush(), err
}

// Resync compares frontiers again with a peer that is level, so that nothing stays unnoticed.
func (m *Machine) Resync() ([]Frame, error) {
	for _, l := range m.links {
		if l.live && !l.sentState {
			l.round = 0
			l.begin()
		}
	}
	err := m.pump()
	return m.flush(), err
}

// Shared returns for each session whether the peer proved to be a member, and whether both are level.
func (m *Machine) Shared() (shared, level int) {
	for _, l := range m.links {
		if l.proved {
			shared++
		}
		if l.proved && l.live {
			level++
		}
	}
	return shared, level
}

// Standing returns whether the peer proved to be a member of the i-th Set, and whether it has stored all that is here.
func (m *Machine) Standing(i int) (shared, level bool) {
	l := m.links[i]
	return l.proved, l.proved && l.live && len(l.queue)+len(l.bare)+l.over == 0 && l.unacked == 0 && l.pushed >= l.set.Arrivals()
}

// pump sends queued vertices as far as credit goes, the sessions in turn, and ends what is finished.
func (m *Machine) pump() error {
	for idle := 0; idle < len(m.links); {
		sent, err := m.turn().sendRun()
		if err != nil {
			return err
		}
		if idle++; sent {
			idle = 0
		}
	}
	for _, l := range m.links {
		l.settle()
	}
	return nil
}
