package main

import (
	"encoding/json"
	"fmt"

	"github.com/fxamacker/cbor/v2"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
)

// plain is a vertex as a library that knows no canonical form would hold it.
type plain struct {
	Session []byte   `json:"session" cbor:"1,keyasint"`
	Epoch   uint32   `json:"epoch" cbor:"2,keyasint"`
	Author  []byte   `json:"author" cbor:"3,keyasint"`
	Seq     uint64   `json:"seq" cbor:"4,keyasint"`
	Prev    []byte   `json:"prev" cbor:"5,keyasint"`
	Parents [][]byte `json:"parents" cbor:"6,keyasint"`
	Lamport uint64   `json:"lamport" cbor:"7,keyasint"`
	HLC     uint64   `json:"hlc" cbor:"8,keyasint"`
	Kind    uint8    `json:"kind" cbor:"9,keyasint"`
	Hash    []byte   `json:"hash" cbor:"10,keyasint"`
	Size    uint32   `json:"size" cbor:"11,keyasint"`
	Sig     []byte   `json:"sig" cbor:"12,keyasint"`
	Body    []byte   `json:"body" cbor:"13,keyasint"`
}

func sample() (vertex.Item, plain) {
	k := sig.FromSeed([32]byte{1})
	v := vertex.Vertex{Session: vertex.Session{1}, Author: k.Public(), Seq: 70_000, Prev: vertex.ID{2}, Lamport: 100_000,
		HLC: 1_800_000_000_000, Kind: vertex.App, Parents: []vertex.ID{{3}}}
	it := vertex.Seal(v, make([]byte, 450), k)
	p := plain{Session: v.Session[:], Author: v.Author[:], Seq: v.Seq, Prev: v.Prev[:], Parents: [][]byte{v.Parents[0][:]},
		Lamport: v.Lamport, HLC: v.HLC, Kind: uint8(v.Kind), Hash: it.BodyHash[:], Size: it.Size, Sig: it.Sig[:], Body: it.Body}
	return it, p
}

// each times n calls of f.
func each(n int, f func() error) func() (cost, error) {
	return func() (cost, error) {
		return timed(func() error {
			for range n {
				if err := f(); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func codecRows(b *bench) error {
	it, p := sample()
	bytes := it.Append(nil)
	asJSON, err := json.Marshal(p)
	if err != nil {
		return err
	}
	asCBOR, err := cbor.Marshal(p)
	if err != nil {
		return err
	}
	const n = 100_000
	var out []byte // the peers make a new slice each time, so do we
	encode := each(n, func() error { out = it.Append(make([]byte, 0, len(bytes))); return nil })
	decode := each(n, func() error { _, _, err := vertex.DecodeItem(bytes); return err })
	for _, d := range []struct {
		measure, peer string
		limit         float64
		theirs, ours  func() (cost, error)
	}{
		{"encode", "encoding/json", 0.3, each(n, func() error { _, err := json.Marshal(p); return err }), encode},
		{"encode", "fxamacker/cbor", 0.3, each(n, func() error { _, err := cbor.Marshal(p); return err }), encode},
		{"decode", "encoding/json", 1.2, each(n, func() error { var q plain; return json.Unmarshal(asJSON, &q) }), decode},
		{"decode", "fxamacker/cbor", 1.2, each(n, func() error { var q plain; return cbor.Unmarshal(asCBOR, &q) }), decode},
	} {
		pc, oc, err := duel(d.theirs, d.ours)
		if err != nil {
			return err
		}
		if len(out) != len(bytes) && d.measure == "encode" {
			return fmt.Errorf("encoded %d bytes, not %d", len(out), len(bytes))
		}
		r := row{Area: "codec", Measure: fmt.Sprintf("%s a vertex of %d B", d.measure, len(bytes)), Unit: "us CPU", Peer: d.peer, Rounds: len(oc)}
		pw, ow := pc.median(cpu, 1e6/n), oc.median(cpu, 1e6/n)
		b.add(r, &pw, ow).atMost(d.limit).note("ours hashes map and body and checks the canonical form when it decodes")
	}
	return nil
}
