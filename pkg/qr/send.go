package qr

import (
	"fmt"

	"github.com/pars-network/pars/pkg/fountain"
	"github.com/pars-network/pars/pkg/wire"
)

// headEvery is how many frames stand between two heads. A receiver needs one head for the whole object,
// and each costs a symbol: with every 16th, goodput at 30 % loss falls below what the code allows by 6 %.
const headEvery = 32

// smallObject is up to how many symbols an object is done, as a rule, before the second head: it has one more, a little
// after half of its symbols.
const smallObject = 40

// Sender makes the frames of one object, for ever: a head, then 31 symbols and a head in turn. Symbols of several blocks
// take turns, source symbols first, then repair symbols with growing ids.
type Sender struct {
	head   frame
	kind   byte
	blocks []sendBlock
	all    int // symbols of the object
	sum    int // of the weights of open blocks
	n      int // frames made
}

type sendBlock struct {
	enc    fountain.Encoder
	length int
	next   uint32
	credit int
	done   bool
}

// NewSender prepares an object for symbols of size bytes. name is its type, as in a UR. With linear the code is the
// one that is free of patents. Errors wrap wire.ErrInvalid.
func NewSender(data []byte, name string, size int, linear bool) (*Sender, error) {
	if size < fountain.MinSymbol || size > fountain.MaxSymbol {
		return nil, wire.Invalid("symbols of %d bytes, %d to %d expected", size, fountain.MinSymbol, fountain.MaxSymbol)
	}
	if len(data) < 1 || int64(len(data)) > MaxObject(size) {
		return nil, wire.Invalid("object of %d bytes, at most %d in symbols of %d", len(data), MaxObject(size), size)
	}
	if err := checkType(name); err != nil {
		return nil, err
	}
	sum := sumOf(data)
	s := &Sender{kind: kindRaptorQ, head: frame{kind: kindHead, object: objectID(sum), head: head{int64(len(data)), sum, size, name}}}
	var code fountain.Code = fountain.RaptorQ{}
	if linear {
		s.kind, code = kindLinear, fountain.Linear{}
	}
	for i := range blockCount(int64(len(data)), size) {
		at, n := i*blockSize(size), blockLength(int64(len(data)), size, i)
		enc, err := code.NewEncoder(data[at:at+n], size)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", i, err)
		}
		s.blocks = append(s.blocks, sendBlock{enc: enc, length: n})
		s.sum += enc.K()
	}
	s.all = s.sum
	return s, nil
}

// Symbols is the least number of symbols that a receiver needs.
func (s *Sender) Symbols() int {
	n := 0
	for _, b := range s.blocks {
		if !b.done {
			n += b.enc.K()
		}
	}
	return n
}

// Cycle is how many frames a recording holds: half more than the least, and eight, and the heads among them.
func (s *Sender) Cycle() int {
	n := (3*s.Symbols()+1)/2 + 8
	n += 1 + n/(headEvery-1)
	if s.early() > 0 {
		n++
	}
	return n
}

// early is the number of the frame that is one more head; 0 when there is none.
func (s *Sender) early() int {
	if s.all > smallObject {
		return 0
	}
	return s.all/2 + 4
}

// Next returns the next frame. All but heads have one length, the longest.
func (s *Sender) Next() []byte {
	head := s.n%headEvery == 0 || s.n == s.early()
	s.n++
	if head || s.sum == 0 {
		return s.Head()
	}
	best := -1
	for i := range s.blocks {
		b := &s.blocks[i]
		if b.done {
			continue
		}
		if b.credit += b.enc.K(); best < 0 || b.credit > s.blocks[best].credit {
			best = i
		}
	}
	s.blocks[best].credit -= s.sum
	return s.symbol(best)
}

// Head returns the frame that says what the object is.
func (s *Sender) Head() []byte { return s.head.encode() }

func (s *Sender) symbol(i int) []byte {
	b := &s.blocks[i]
	f := frame{kind: s.kind, object: s.head.object, length: b.length, block: byte(i), Symbol: fountain.Symbol{ID: b.next, Data: b.enc.Symbol(b.next)}}
	b.next = (b.next + 1) & fountain.MaxID
	return f.encode()
}

// Answer reads what a receiver still needs and leaves finished blocks out from now on. Errors wrap wire.ErrInvalid.
func (s *Sender) Answer(b []byte) error {
	f, err := decodeFrame(b)
	if err != nil {
		return err
	}
	if f.kind != kindMissing || f.object != s.head.object || len(f.needed) != len(s.blocks) {
		return wire.Invalid("an answer about another object")
	}
	s.sum = 0
	for i, n := range f.needed {
		if s.blocks[i].done = n == 0; n > 0 {
			s.sum += s.blocks[i].enc.K()
			s.blocks[i].next = max(s.blocks[i].next, uint32(s.blocks[i].enc.K())) // source symbols were shown before
		}
		s.blocks[i].credit = 0
	}
	return nil
}
