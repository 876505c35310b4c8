package qr

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"

	"github.com/pars-network/pars/pkg/fountain"
	"github.com/pars-network/pars/pkg/wire"
)

// Kind is what a symbol or a row of frames turned out to be.
type Kind string

// Kinds of what is found.
const (
	Card    Kind = "card"    // Text is what stands in the symbol
	Invite  Kind = "invite"  // the same
	Pair    Kind = "pair"    // the same
	Object  Kind = "object"  // Data is whole and its hash is right
	Message Kind = "ur"      // Data is a message in UR, its checksum is right
	Answer  Kind = "answer"  // Data is a frame for Sender.Answer
	Foreign Kind = "foreign" // Text is somebody else's: nothing is done with it
)

// Item is one thing that was found whole.
type Item struct {
	Kind Kind
	Text string
	Type string // of an object or a message
	Data []byte
	Sum  [32]byte // SHA-256 of Data
}

// Limits of a scanner.
const (
	DefaultLimit = 64 << 20 // bytes of frames kept
	maxObjects   = 16
	maxHeads     = 4
	maxFinished  = 64
)

// Scanner puts things together from the payloads of symbols, in any order, with any repeats, several at once.
// The zero value works. Not safe for concurrent use.
type Scanner struct {
	Limit int // bytes of frames kept; 0: DefaultLimit

	// Counts of payloads: all, those that told something new, those refused.
	Seen, Useful, Refused int

	objects  []*object
	finished []string
	texts    []string
	tick     int
}

// object is a thing under way. Frames of two codes, sizes or types never mix.
type object struct {
	key    string
	id     uint32
	kind   byte // of its frames; 0: UR parts
	size   int
	name   string // of a UR
	part   fountain.Part
	heads  []head
	blocks map[blockKey]*pile
	last   int // tick of the last new frame
	held   int // bytes of its piles
}

// blockKey names a block; a false length makes another block.
type blockKey struct {
	n      byte
	length int
}

// Add takes what stood in one symbol and returns what became whole by it. Errors wrap wire.ErrInvalid and change nothing.
func (s *Scanner) Add(payload []byte) ([]Item, error) {
	s.Seen++
	s.tick++
	items, useful, err := s.add(payload)
	if err != nil {
		s.Refused++
	}
	if useful {
		s.Useful++
	}
	return items, err
}

func (s *Scanner) add(payload []byte) ([]Item, bool, error) {
	if isFrame(payload) {
		return s.frame(payload)
	}
	text := string(payload)
	if isUR(text) {
		return s.ur(text)
	}
	kind := Foreign
	for prefix, k := range map[string]Kind{"pars:card/": Card, "pars:invite/": Invite, "pars:pair/": Pair} {
		if strings.HasPrefix(text, prefix) || strings.HasPrefix(text, strings.ToUpper(prefix)) {
			kind = k
		}
	}
	item, isNew := s.once(Item{Kind: kind, Text: text})
	return item, isNew, nil
}

// once returns an item unless it was returned not long ago.
func (s *Scanner) once(i Item) ([]Item, bool) {
	key := string(i.Kind) + i.Type + i.Text + string(i.Sum[:])
	for _, t := range s.texts {
		if t == key {
			return nil, false
		}
	}
	s.texts = append(s.texts, key)
	if len(s.texts) > maxFinished {
		s.texts = s.texts[1:]
	}
	return []Item{i}, true
}

func (s *Scanner) frame(payload []byte) ([]Item, bool, error) {
	f, err := decodeFrame(payload)
	if err != nil {
		return nil, false, err
	}
	switch f.kind {
	case kindMissing:
		item, isNew := s.once(Item{Kind: Answer, Data: bytes.Clone(payload), Sum: sumOf(payload)})
		return item, isNew, nil
	case kindHead:
		useful := false
		for _, kind := range []byte{kindRaptorQ, kindLinear} { // it does not say which code the symbols are of
			if o := s.find(key(kind, f.object, f.head.size)); o != nil {
				useful = o.addHead(f.head) || useful
				if item := s.finish(o); item != nil {
					return []Item{*item}, true, nil
				}
			}
		}
		if o := s.object(key(kindRaptorQ, f.object, f.head.size)); o != nil && !useful {
			o.kind, o.id, o.size = kindRaptorQ, f.object, f.head.size
			useful = o.addHead(f.head)
		}
		return nil, useful, nil
	}
	return s.symbol(f)
}

func key(kind byte, object uint32, size int) string {
	return fmt.Sprintf("%x/%08x/%d", kind, object, size)
}

func (s *Scanner) symbol(f *frame) ([]Item, bool, error) {
	size := len(f.Data)
	o := s.object(key(f.kind, f.object, size))
	if o == nil {
		return nil, false, nil
	}
	o.kind, o.id, o.size = f.kind, f.object, size
	if f.kind == kindLinear && len(o.heads) == 0 { // heads that came before the first symbol
		if other := s.find(key(kindRaptorQ, f.object, size)); other != nil {
			o.heads = append(o.heads, other.heads...)
		}
	}
	bk := blockKey{f.block, f.length}
	p := o.blocks[bk]
	if p == nil {
		if len(o.blocks) > 2*maxBlocks {
			return nil, false, wire.Invalid("more blocks than an object has")
		}
		p = &pile{}
		o.blocks[bk] = p
	}
	if !s.pile(o, p, o.code(bk), f.Symbol) {
		return nil, false, nil
	}
	if p.block == nil {
		return nil, true, nil
	}
	if item := s.finish(o); item != nil {
		return []Item{*item}, true, nil
	}
	return nil, true, nil
}

func (s *Scanner) ur(text string) ([]Item, bool, error) {
	name, msg, part, err := ParseUR(text)
	if err != nil {
		return nil, false, err
	}
	if part == nil {
		return s.message(name, msg)
	}
	o := s.object(fmt.Sprintf("%s/%08x/%d/%d/%d", name, part.Checksum, part.Count, part.Length, len(part.Data)))
	if o == nil {
		return nil, false, nil
	}
	bk := blockKey{0, part.Length}
	if o.blocks[bk] == nil {
		o.name, o.id, o.part, o.size = name, part.Checksum, *part, len(part.Data)
		o.blocks[bk] = &pile{}
	}
	p := o.blocks[bk]
	if !s.pile(o, p, o.code(bk), fountain.Symbol{ID: part.Seq, Data: part.Data}) {
		return nil, false, nil
	}
	if p.block == nil {
		return nil, true, nil
	}
	s.close(o)
	return s.message(name, p.block)
}

// pile adds a symbol and keeps to the limit of memory.
func (s *Scanner) pile(o *object, p *pile, c code, sym fountain.Symbol) bool {
	before := p.bytes()
	if !p.add(c, sym) {
		return false
	}
	o.held += p.bytes() - before
	o.last = s.tick
	s.trim(o)
	return true
}

func (s *Scanner) message(name string, msg []byte) ([]Item, bool, error) {
	data, err := unwrap(name, msg)
	if err != nil {
		return nil, false, err
	}
	item, isNew := s.once(Item{Kind: Message, Type: name, Data: bytes.Clone(data), Sum: sumOf(data)})
	return item, isNew, nil
}

func (o *object) code(k blockKey) code {
	switch o.kind {
	case kindRaptorQ:
		return blockCode{fountain.RaptorQ{}, k.length, o.size}
	case kindLinear:
		return blockCode{fountain.Linear{}, k.length, o.size}
	}
	return partCode{o.part}
}

// addHead keeps what a head says, beside others: one of them may be forged.
func (o *object) addHead(h head) bool {
	for _, have := range o.heads {
		if have == h {
			return false
		}
	}
	if len(o.heads) == maxHeads {
		o.heads = o.heads[1:]
	}
	o.heads = append(o.heads, h)
	return true
}

// finish hands the object on when all blocks of one of its heads are there and the hash is right. When it is not,
// the blocks are looked through once more, and only if they are beyond doubt the head goes.
func (s *Scanner) finish(o *object) *Item {
	for again := true; again; {
		again = false
		for _, h := range o.heads {
			data, _ := o.whole(h)
			if data != nil && sumOf(data) == h.sum {
				s.close(o)
				return &Item{Kind: Object, Type: h.name, Data: data, Sum: h.sum}
			}
		}
		for i, h := range o.heads {
			if _, piles := o.whole(h); piles != nil {
				if again = o.blame(piles); !again {
					o.heads = slices.Delete(o.heads, i, i+1)
					again = true
				}
				break
			}
		}
	}
	return nil
}

// whole puts the blocks of a head together; no piles when one is missing.
func (o *object) whole(h head) ([]byte, map[blockKey]*pile) {
	piles := map[blockKey]*pile{}
	n := blockCount(h.total, h.size)
	for i := range n {
		k := blockKey{byte(i), blockLength(h.total, h.size, i)}
		if p := o.blocks[k]; p == nil || p.block == nil {
			return nil, nil
		}
		piles[k] = o.blocks[k]
	}
	data := make([]byte, 0, h.total)
	for i := range n {
		data = append(data, piles[blockKey{byte(i), blockLength(h.total, h.size, i)}].block...)
	}
	return data, piles
}

// blame takes back the blocks that too few symbols beyond the least have confirmed, and reports whether there were any.
func (o *object) blame(piles map[blockKey]*pile) bool {
	found := false
	for k, p := range piles {
		before := p.bytes()
		found = p.distrust(o.code(k)) || found
		o.held += p.bytes() - before
	}
	return found
}

func (s *Scanner) find(key string) *object {
	for _, o := range s.objects {
		if o.key == key {
			return o
		}
	}
	return nil
}

// object finds one or begins it, in place of the one that has been idle for longest; nil when it is finished.
func (s *Scanner) object(key string) *object {
	if o := s.find(key); o != nil {
		return o
	}
	for _, f := range s.finished {
		if f == key {
			return nil
		}
	}
	if len(s.objects) == maxObjects {
		s.drop(nil)
	}
	o := &object{key: key, blocks: map[blockKey]*pile{}, last: s.tick}
	s.objects = append(s.objects, o)
	return o
}

// drop forgets the object that has been idle for longest, but not the one to keep.
func (s *Scanner) drop(keep *object) bool {
	oldest := -1
	for i, o := range s.objects {
		if o != keep && (oldest < 0 || o.last < s.objects[oldest].last) {
			oldest = i
		}
	}
	if oldest < 0 {
		return false
	}
	s.objects = append(s.objects[:oldest], s.objects[oldest+1:]...)
	return true
}

// trim keeps to the limit: idle objects go first, then the one under way.
func (s *Scanner) trim(o *object) {
	limit := s.Limit
	if limit == 0 {
		limit = DefaultLimit
	}
	for s.bytes() > limit {
		if !s.drop(o) {
			s.drop(nil)
		}
	}
}

func (s *Scanner) bytes() (n int) {
	for _, o := range s.objects {
		n += o.held
	}
	return n
}

func (s *Scanner) close(o *object) {
	for i := range s.objects {
		if s.objects[i] == o {
			s.objects = append(s.objects[:i], s.objects[i+1:]...)
			break
		}
	}
	s.finished = append(s.finished, o.key)
	if len(s.finished) > maxFinished {
		s.finished = s.finished[1:]
	}
}

// Progress is how far one thing is.
type Progress struct {
	ID         string // of the object
	Type       string // when it is known
	Have, Need int    // symbols; Need is 0 while only a head is known
}

// Progress tells of everything that is not whole yet.
func (s *Scanner) Progress() []Progress {
	var out []Progress
	for _, o := range s.objects {
		p := Progress{ID: hex.EncodeToString([]byte{byte(o.id >> 24), byte(o.id >> 16), byte(o.id >> 8), byte(o.id)}), Type: o.name}
		if len(o.heads) > 0 {
			h := o.heads[len(o.heads)-1]
			p.Type = h.name
			for i := range blockCount(h.total, h.size) {
				k := blockKey{byte(i), blockLength(h.total, h.size, i)}
				p.count(o.blocks[k], o.code(k).least())
			}
		} else {
			for k, b := range o.blocks {
				p.count(b, o.code(k).least())
			}
		}
		out = append(out, p)
	}
	return out
}

func (p *Progress) count(b *pile, least int) {
	p.Need += least
	switch {
	case b == nil:
	case b.block != nil:
		p.Have += least
	default:
		p.Have += min(len(b.symbols), least)
	}
}
