package vertex

import "github.com/pars-network/pars/pkg/wire"

// Decode reads the canonical map of a vertex, all of b. Errors are *RefusedError.
func Decode(b []byte) (Vertex, error) {
	var v Vertex
	if len(b) > MaxItem {
		return v, refuse(BadSize, "%d bytes", len(b))
	}
	d := wire.NewDecoder(b)
	if err := v.decode(d); err != nil {
		return Vertex{}, err
	}
	if err := d.End(); err != nil {
		return Vertex{}, refuse(BadCanonical, "%v", err)
	}
	return v, nil
}

// decode reads the map at d and checks what can be seen from the vertex alone.
func (v *Vertex) decode(d *wire.Decoder) error {
	var seen, version uint64
	for m := d.Map(12); m.Next() && m.Key <= 11; {
		seen |= 1 << m.Key
		if m.Key == 0 {
			if version = d.Uint(1<<64 - 1); version != Version && d.Err() == nil {
				return refuse(BadVersion, "%d", version)
			}
			continue
		}
		v.field(d, m.Key)
	}
	if err := d.Err(); err != nil {
		return refuse(BadCanonical, "%v", err)
	}
	return v.shape(seen)
}

func (v *Vertex) field(d *wire.Decoder, key uint64) {
	switch key {
	case 1:
		d.Fixed(v.Session[:])
	case 2:
		v.Epoch = uint32(d.Uint(1<<32 - 1))
	case 3:
		d.Fixed(v.Author[:])
	case 4:
		v.Seq = d.Uint(MaxSeq)
	case 5:
		d.Fixed(v.Prev[:])
	case 6:
		v.parents(d)
	case 7:
		v.Lamport = d.Uint(MaxLamport)
	case 8:
		v.HLC = d.Uint(MaxHLC)
	case 9:
		v.Kind = Kind(d.Uint(255))
	case 10:
		d.Fixed(v.BodyHash[:])
	case 11:
		v.Size = uint32(d.Uint(MaxBody))
	}
}

func (v *Vertex) parents(d *wire.Decoder) {
	n := d.Array(MaxParents)
	if n == 0 {
		return
	}
	v.Parents = make([]ID, n)
	for i := range v.Parents {
		d.Fixed(v.Parents[i][:])
	}
}

// shape checks which keys stand (bit k of seen for key k) and what they say together.
func (v *Vertex) shape(seen uint64) error {
	const always, prev, body = 1<<0 | 1<<1 | 1<<2 | 1<<3 | 1<<4 | 1<<6 | 1<<7 | 1<<8 | 1<<9 | 1<<11, 1 << 5, 1 << 10
	switch {
	case seen&always != always:
		return refuse(BadCanonical, "a field is missing")
	case !v.Kind.known():
		return refuse(BadKind, "%d", v.Kind)
	case (seen&prev != 0) != (v.Seq > 0):
		return refuse(BadPrev, "present exactly when seq is not 0")
	case (seen&body != 0) != (v.Size > 0), (v.Size > 0) != (v.Kind != Receipt):
		return refuse(BadBody, "kind %d with a body of %d", v.Kind, v.Size)
	case v.Lamport == 0:
		return refuse(BadLamport, "0")
	}
	return v.orderedParents()
}

func (k Kind) known() bool { return k <= Control || k == Snapshot || k == Restart || k >= Part }

func (v *Vertex) orderedParents() error {
	for i, p := range v.Parents {
		if i > 0 && v.Parents[i-1].Compare(p) >= 0 {
			return refuse(BadParents, "not strictly ascending")
		}
		if v.Seq > 0 && p == v.Prev {
			return refuse(BadParents, "prev among them")
		}
	}
	return nil
}
