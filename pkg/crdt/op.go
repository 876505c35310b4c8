package crdt

import "github.com/pars-network/pars/pkg/wire"

// Type says how the operations of an object combine. An unknown one is kept and not shown; 6 is left
// free for shared text.
type Type uint8

// The types. Their numbers stand in operations and snapshots.
const (
	GCounter    Type = 0
	PNCounter   Type = 1
	GSet        Type = 2
	ORSet       Type = 3
	LWWRegister Type = 4
	MVRegister  Type = 5
	LWWMap      Type = 7
)

// The operations. Each type has Add (also called set or put), three have Remove.
const (
	// Add counts up, adds an element, sets a register or puts a key.
	Add = 0
	// Remove counts down (PNCounter), removes an element (ORSet) or deletes a key (LWWMap).
	Remove = 1
)

// Limits. The first three are the writer's; an operation above one is skipped by everybody. Of what is
// above the last two, everybody sees what has the smallest stamps.
const (
	// MaxOps is how many operations one vertex may carry.
	MaxOps = 1024
	// MaxBody is the size in bytes of a vertex's operations when encoded.
	MaxBody = 48 << 10
	// MaxValue is the size in bytes of a value, element or key.
	MaxValue = 32 << 10
	// MaxCount is the largest step of a counter.
	MaxCount = 1 << 40
	// MaxElements is how many elements or keys of one object are seen.
	MaxElements = 100_000
	// MaxObjects is how many objects of a session are seen.
	MaxObjects = 10_000

	maxObject = 32
	minOp     = 5 // bytes: three heads, an object of one byte, an operation without arguments
	maxArgs   = 8
)

// Op is one operation. Which fields count is told by Type and Op: N by counters; Key by sets and
// LWWMap; Value by registers and put; Dots by ORSet's Remove and MVRegister.
type Op struct {
	// Object names the object, 1 to 32 bytes.
	Object string
	// Type is what the writer takes the object for.
	Type Type
	// Op is Add or Remove.
	Op uint8
	// N is the step of a counter.
	N uint64
	// Key is an element of a set or a key of a map.
	Key []byte
	// Value is what a register or key is set to.
	Value []byte
	// Dots are the additions that the writer saw and that this one replaces or removes, ascending.
	Dots []Dot

	// raw holds the args arguments of an operation of unknown type.
	raw  []byte
	args int
}

// shape says which arguments follow type and operation, in the order n, key, value, dots.
type shape struct{ n, key, value, dots bool }

func (s shape) args() (n int) {
	for _, has := range []bool{s.n, s.key, s.value, s.dots} {
		if has {
			n++
		}
	}
	return n
}

// shapeOf reports false for a pair that does not exist.
func shapeOf(t Type, op uint8) (shape, bool) {
	switch {
	case op == Add && (t == GCounter || t == PNCounter), op == Remove && t == PNCounter:
		return shape{n: true}, true
	case op == Add && (t == GSet || t == ORSet), op == Remove && t == LWWMap:
		return shape{key: true}, true
	case op == Remove && t == ORSet:
		return shape{key: true, dots: true}, true
	case op == Add && t == LWWRegister:
		return shape{value: true}, true
	case op == Add && t == MVRegister:
		return shape{value: true, dots: true}, true
	case op == Add && t == LWWMap:
		return shape{key: true, value: true}, true
	}
	return shape{}, false
}

func (t Type) known() bool { return t <= MVRegister || t == LWWMap }

// within reports whether the operation keeps the limits of a writer.
func (o *Op) within() bool {
	return o.N <= MaxCount && len(o.Key) <= MaxValue && len(o.Value) <= MaxValue
}

// EncodeOps returns the operations of one vertex: an array of [object, type, op, args…] in canonical
// CBOR. Errors wrap wire.ErrInvalid: a limit is broken, or an operation does not exist.
func EncodeOps(ops []Op) ([]byte, error) {
	if len(ops) < 1 || len(ops) > MaxOps {
		return nil, wire.Invalid("%d operations, 1 to %d expected", len(ops), MaxOps)
	}
	b := wire.AppendArray(nil, len(ops))
	for i := range ops {
		o := &ops[i]
		s, ok := shapeOf(o.Type, o.Op)
		if !ok && o.Type.known() || !o.within() || len(o.Object) < 1 || len(o.Object) > maxObject {
			return nil, wire.Invalid("operation %d breaks a limit or does not exist", i)
		}
		b = o.append(b, s)
	}
	if len(b) > MaxBody {
		return nil, wire.Invalid("operations of %d bytes, at most %d", len(b), MaxBody)
	}
	return b, nil
}

func (o *Op) append(b []byte, s shape) []byte {
	b = wire.AppendBytes(wire.AppendArray(b, 3+s.args()+o.args), []byte(o.Object))
	b = wire.AppendUint(wire.AppendUint(b, uint64(o.Type)), uint64(o.Op))
	if s.n {
		b = wire.AppendUint(b, o.N)
	}
	if s.key {
		b = wire.AppendBytes(b, o.Key)
	}
	if s.value {
		b = wire.AppendBytes(b, o.Value)
	}
	if s.dots {
		b = wire.AppendArray(b, len(o.Dots))
		for _, d := range o.Dots {
			b = appendDot(b, d)
		}
	}
	return append(b, o.raw...)
}

// DecodeOps is the inverse of EncodeOps. It lets values and counts above their limits pass, since State
// skips such an operation and not its neighbours. What it returns shares memory with b and takes at most
// 4 times MaxBody beside it. Errors wrap wire.ErrInvalid; a vertex whose operations do not decode has none.
func DecodeOps(b []byte) ([]Op, error) {
	if len(b) > MaxBody {
		return nil, wire.Invalid("operations of %d bytes, at most %d", len(b), MaxBody)
	}
	d := wire.NewDecoder(b)
	n := d.Array(MaxOps)
	if d.Err() == nil && (n == 0 || n > len(b)/minOp) {
		return nil, wire.Invalid("%d operations in %d bytes", n, len(b))
	}
	ops := make([]Op, 0, n)
	for i := 0; i < n && d.Err() == nil; i++ {
		ops = append(ops, readOp(d, b))
	}
	if err := d.End(); err != nil {
		return nil, err
	}
	return ops, nil
}

func readOp(d *wire.Decoder, b []byte) (o Op) {
	n := d.Array(3 + maxArgs)
	o.Object = string(d.Bytes(1, maxObject))
	o.Type, o.Op = Type(d.Uint(255)), uint8(d.Uint(255))
	if n < 3 {
		d.Fail(wire.Invalid("operation of %d parts", n))
	}
	if d.Err() != nil {
		return o
	}
	if !o.Type.known() {
		from := d.Offset()
		for o.args = 0; o.args < n-3; o.args++ {
			d.Skip()
		}
		o.raw = b[from:d.Offset()]
		return o
	}
	s, ok := shapeOf(o.Type, o.Op)
	if !ok || n != 3+s.args() {
		d.Fail(wire.Invalid("operation %d of type %d with %d parts", o.Op, o.Type, n))
		return o
	}
	o.readArgs(d, s)
	return o
}

func (o *Op) readArgs(d *wire.Decoder, s shape) {
	if s.n {
		o.N = d.Uint(1<<64 - 1)
	}
	if s.key {
		o.Key = d.Bytes(0, MaxBody)
	}
	if s.value {
		o.Value = d.Bytes(0, MaxBody)
	}
	if !s.dots {
		return
	}
	n := d.Array(MaxBody)
	for i := 0; i < n && d.Err() == nil; i++ {
		dot := readDot(d)
		if i > 0 && o.Dots[i-1].compare(dot) >= 0 {
			d.Fail(wire.Invalid("dots not ascending"))
		}
		o.Dots = append(o.Dots, dot)
	}
}
