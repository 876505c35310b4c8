package qr

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/pars-network/pars/pkg/wire"
)

// Missing returns, for each object whose head is known, the frame that tells its sender what is still needed:
// shown to the sender's camera, it leaves out the blocks that are whole.
func (s *Scanner) Missing() [][]byte {
	var out [][]byte
	for _, o := range s.objects {
		if len(o.heads) == 0 {
			continue
		}
		h := o.heads[len(o.heads)-1]
		f := frame{kind: kindMissing, object: o.id}
		for i := range blockCount(h.total, h.size) {
			k := blockKey{byte(i), blockLength(h.total, h.size, i)}
			need := o.code(k).least()
			if p := o.blocks[k]; p != nil && p.block != nil {
				need = 0
			} else if p != nil {
				need = max(1, need-len(p.symbols))
			}
			f.needed = append(f.needed, needCount(need))
		}
		out = append(out, f.encode())
	}
	return out
}

// Payloads returns what has to be added to another Scanner to bring it where this one is.
func (s *Scanner) Payloads() [][]byte {
	var out [][]byte
	for _, o := range s.objects {
		for _, h := range o.heads {
			f := frame{kind: kindHead, object: o.id, head: h}
			out = append(out, f.encode())
		}
		keys := make([]blockKey, 0, len(o.blocks))
		for k := range o.blocks {
			keys = append(keys, k)
		}
		slices.SortFunc(keys, func(a, b blockKey) int { return cmp.Or(cmp.Compare(a.n, b.n), cmp.Compare(a.length, b.length)) })
		for _, k := range keys {
			for _, sym := range o.blocks[k].symbols {
				if o.kind == 0 {
					p := o.part
					p.Seq, p.Data = sym.ID, sym.Data
					out = append(out, []byte(partText(o.name, &p)))
					continue
				}
				f := frame{kind: o.kind, object: o.id, length: k.length, block: k.n, Symbol: sym}
				out = append(out, f.encode())
			}
		}
	}
	return out
}

const stateMagic = "PARSQRS1"

// AppendState appends what is under way: a magic, then each payload behind its length (u16).
func (s *Scanner) AppendState(b []byte) []byte {
	b = append(b, stateMagic...)
	for _, p := range s.Payloads() {
		b = append(binary.BigEndian.AppendUint16(b, uint16(len(p))), p...)
	}
	return b
}

// LoadState adds what AppendState wrote. A payload that does not verify is left out, as if its frame had been lost.
// Errors wrap wire.ErrInvalid.
func (s *Scanner) LoadState(b []byte) ([]Item, error) {
	r := wire.NewReader(b)
	if string(r.Take(len(stateMagic))) != stateMagic {
		return nil, wire.Invalid("no state of a scan")
	}
	var out []Item
	for r.Err() == nil && r.Len() > 0 {
		items, err := s.Add(r.Take(int(r.Uint16())))
		if err == nil {
			out = append(out, items...)
		}
	}
	return out, r.Err()
}
