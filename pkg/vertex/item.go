package vertex

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Item is a vertex with what travels beside it. Its canonical bytes are the CBOR array
// [map, signature or empty, body or null].
type Item struct {
	Vertex
	ID     ID
	Signed bool // Sig stands; it may still be wrong
	Sig    sig.Signature
	Body   []byte // nil: not held; empty for receipts
}

// Held reports whether the item carries its body; a receipt always does.
func (it *Item) Held() bool { return it.Size == 0 || it.Body != nil }

// Seal completes an item for v and body: body hash, id and signature.
func Seal(v Vertex, body []byte, key sig.Private) Item {
	v.SetBody(body)
	id := IDOf(v.AppendMap(nil))
	return Item{Vertex: v, ID: id, Signed: true, Sig: Sign(key, id), Body: body}
}

// itemRoom is what an item takes beside its parents and body, at most.
const itemRoom = 320

// Append appends the canonical bytes of it.
func (it *Item) Append(b []byte) []byte {
	if b == nil {
		b = make([]byte, 0, itemRoom+34*len(it.Parents)+len(it.Body))
	}
	b = it.AppendMap(wire.AppendArray(b, 3))
	if it.Signed {
		b = wire.AppendBytes(b, it.Sig[:])
	} else {
		b = wire.AppendBytes(b, nil)
	}
	if !it.Held() {
		return wire.AppendNull(b)
	}
	return wire.AppendBytes(b, it.Body)
}

// CheckBody compares a held body with the hash and length in the vertex.
func (it *Item) CheckBody() error {
	if it.Body == nil {
		return nil
	}
	if len(it.Body) != int(it.Size) || it.Size > 0 && sha256.Sum256(it.Body) != it.BodyHash {
		return refuse(BadBody, "not the one named")
	}
	return nil
}

// DecodeItem reads one item at the start of b and returns the bytes behind it. The body is compared
// with its hash; the signature is not verified. The item's Body shares memory with b.
// Errors are *RefusedError, or io.ErrUnexpectedEOF when b may be the beginning of an item.
func DecodeItem(b []byte) (Item, []byte, error) {
	var it Item
	whole := len(b)
	if whole > MaxItem {
		b = b[:MaxItem]
	}
	d := wire.NewDecoder(b)
	if n := d.Array(3); d.Err() == nil && n != 3 {
		return it, nil, refuse(BadCanonical, "array of %d", n)
	}
	start := d.Offset()
	if err := it.decode(d); err != nil {
		return it, nil, cut(d, err, len(b), whole)
	}
	it.ID = IDOf(b[start:d.Offset()])
	if err := it.rest(d); err != nil {
		return it, nil, cut(d, err, len(b), whole)
	}
	if err := it.CheckBody(); err != nil {
		return it, nil, err
	}
	return it, b[d.Offset():len(b):len(b)], nil
}

func (it *Item) rest(d *wire.Decoder) error {
	if s := d.Bytes(0, len(it.Sig)); len(s) == len(it.Sig) {
		it.Signed = true
		copy(it.Sig[:], s)
	} else if len(s) != 0 {
		return refuse(BadSignature, "%d bytes", len(s))
	}
	if !d.Null() {
		if it.Body = d.Bytes(0, MaxBody); it.Body == nil {
			it.Body = []byte{}
		}
	} else if it.Size == 0 {
		return refuse(BadCanonical, "null where there is no body")
	}
	if err := d.Err(); err != nil {
		return refuse(BadCanonical, "%v", err)
	}
	return nil
}

// cut tells an item that is cut short from one that is wrong: only a read past the end of all the
// bytes there are can be mended by more of them.
func cut(d *wire.Decoder, err error, have, whole int) error {
	if errors.Is(d.Err(), wire.ErrShort) {
		if whole < MaxItem {
			return io.ErrUnexpectedEOF
		}
		return refuse(BadSize, "item over %d bytes", have)
	}
	return err
}

// ErrLost says that a stream of items cannot be read on: where the next one begins cannot be told.
var ErrLost = fmt.Errorf("%w: cannot tell where the next item begins", wire.ErrInvalid)

// ReadItem reads the next item of a stream of items back to back. r must buffer at least MaxItem bytes.
// io.EOF stands for the end between two items. After a *RefusedError the stream can be read on, unless
// the error is ErrLost too.
func ReadItem(r *bufio.Reader) (Item, error) {
	b, err := r.Peek(MaxItem)
	if len(b) == 0 {
		return Item{}, err
	}
	if err != nil && err != io.EOF {
		return Item{}, err
	}
	it, rest, err := DecodeItem(b)
	if err != nil {
		return Item{}, skipItem(r, b, err)
	}
	if it.Body != nil {
		it.Body = append(make([]byte, 0, len(it.Body)), it.Body...)
	}
	_, err = r.Discard(len(b) - len(rest))
	return it, err
}

// skipItem steps over the item at the start of b, which was refused with err.
func skipItem(r *bufio.Reader, b []byte, err error) error {
	d := wire.NewDecoder(b)
	d.Skip()
	if d.Err() != nil {
		return errors.Join(err, ErrLost)
	}
	if _, e := r.Discard(d.Offset()); e != nil {
		return errors.Join(err, e)
	}
	return err
}
