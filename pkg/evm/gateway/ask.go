package gateway

import (
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/wire"
)

// Names of the protocols, below /pars/<netid8>/.
const (
	LightProtocol = "evm/light/1"
	ProofProtocol = "evm/proof/1"
	TxProtocol    = "evm/tx/1"
)

// Protocols returns their names.
func Protocols() []string { return []string{LightProtocol, ProofProtocol, TxProtocol} }

// Bounds of questions.
const (
	MaxItems = 64        // of one question for proofs
	MaxKeys  = 64        // words of one account's storage
	MaxTx    = 128 << 10 // bytes of a transaction, and of the data of a call
	MaxAsk   = wire.MaxFrame - 1
)

// Tag names a chain in every question: the first 8 bytes of light.Spec.ID.
type Tag [8]byte

// TagOf is the tag of a chain.
func TagOf(s *light.Spec) Tag {
	id := s.ID()
	return Tag(id[:8])
}

// LightAsk asks for containers: of a root, of Count periods from Period on, or the newest.
type LightAsk struct {
	Chain  Tag
	Kind   light.Kind
	Root   evm.Hash // KindBootstrap
	Period uint64   // KindUpdate
	Count  int      // KindUpdate, 1 to evm.MaxUpdates
}

// Encode is cbor[chain 8, kind, root 32 | period, count].
func (a *LightAsk) Encode() []byte {
	n := map[light.Kind]int{light.KindBootstrap: 3, light.KindUpdate: 4}[a.Kind]
	b := wire.AppendBytes(wire.AppendArray(nil, max(n, 2)), a.Chain[:])
	b = wire.AppendUint(b, uint64(a.Kind))
	switch a.Kind {
	case light.KindBootstrap:
		b = wire.AppendBytes(b, a.Root[:])
	case light.KindUpdate:
		b = wire.AppendUint(wire.AppendUint(b, a.Period), uint64(a.Count))
	}
	return b
}

// DecodeLightAsk reads what Encode writes, and nothing else.
func DecodeLightAsk(b []byte) (a LightAsk, err error) {
	d := wire.NewDecoder(b)
	n := d.Array(4)
	d.Fixed(a.Chain[:])
	a.Kind = light.Kind(d.Uint(uint64(light.KindOptimistic)))
	want := 2
	switch a.Kind {
	case light.KindBootstrap:
		want = 3
		d.Fixed(a.Root[:])
	case light.KindUpdate:
		want = 4
		a.Period, a.Count = d.Uint(1<<40), int(d.Uint(evm.MaxUpdates))
	}
	if n != want || a.Kind == 0 || a.Kind == light.KindUpdate && a.Count == 0 {
		d.Fail(wire.Invalid("question for containers of kind %d with %d parts", a.Kind, n))
	}
	return a, d.End()
}

// TxAsk hands over a signed transaction. With a hop left it is passed to another gateway first, so that the one who
// tells the chain's pool is not the one who knows whence it came.
type TxAsk struct {
	Chain   Tag
	ChainID uint64
	Raw     []byte
	Hops    int // 0 or 1
}

// Encode is cbor[chain 8, chain id, raw, hops].
func (a *TxAsk) Encode() []byte {
	b := wire.AppendUint(wire.AppendBytes(wire.AppendArray(nil, 4), a.Chain[:]), a.ChainID)
	return wire.AppendUint(wire.AppendBytes(b, a.Raw), uint64(a.Hops))
}

// DecodeTxAsk reads what Encode writes. The transaction itself is not looked at.
func DecodeTxAsk(b []byte) (a TxAsk, err error) {
	d := wire.NewDecoder(b)
	if d.Array(4) != 4 {
		d.Fail(wire.Invalid("transaction without its four parts"))
	}
	d.Fixed(a.Chain[:])
	a.ChainID, a.Raw, a.Hops = d.Uint(1<<64-1), d.Bytes(1, MaxTx), int(d.Uint(1))
	return a, d.End()
}

// What an item of a question for proofs asks for, and in which form the answer is.
const (
	ItemProof    = 1 // of an account and words of its storage: cbor[[node]…, [[node]…]…]
	ItemCode     = 2 // of an account: the bytes
	ItemHeader   = 3 // of a block hash: RLP
	ItemNumber   = 4 // of a block number: RLP of the header
	ItemBody     = 5 // of a block hash: RLP of the block
	ItemReceipts = 6 // of a block hash: RLP of the list
	ItemFind     = 7 // the block of a transaction: cbor[hash, number]
)

// Item is one question about the execution chain.
type Item struct {
	Kind    uint8
	Block   evm.Hash // or the hash of a transaction
	Address evm.Address
	Keys    []evm.Hash
	Number  uint64
}

// ProofAsk asks for up to MaxItems things.
type ProofAsk struct {
	Chain Tag
	Items []Item
}

// Encode is cbor[chain 8, [item]…], an item being [kind, block 32, address 20, [key 32]…] as far as its kind needs.
func (a *ProofAsk) Encode() []byte {
	b := wire.AppendBytes(wire.AppendArray(nil, 2), a.Chain[:])
	b = wire.AppendArray(b, len(a.Items))
	for _, i := range a.Items {
		b = wire.AppendUint(wire.AppendArray(b, i.parts()), uint64(i.Kind))
		if i.Kind == ItemNumber {
			b = wire.AppendUint(b, i.Number)
			continue
		}
		b = wire.AppendBytes(b, i.Block[:])
		if i.Kind <= ItemCode {
			b = wire.AppendBytes(b, i.Address[:])
		}
		if i.Kind == ItemProof {
			b = wire.AppendArray(b, len(i.Keys))
			for _, k := range i.Keys {
				b = wire.AppendBytes(b, k[:])
			}
		}
	}
	return b
}

func (i *Item) parts() int {
	switch i.Kind {
	case ItemProof:
		return 4
	case ItemCode:
		return 3
	}
	return 2
}

// DecodeProofAsk reads what Encode writes, and nothing else.
func DecodeProofAsk(b []byte) (a ProofAsk, err error) {
	d := wire.NewDecoder(b)
	if d.Array(2) != 2 {
		d.Fail(wire.Invalid("question for proofs without its two parts"))
	}
	d.Fixed(a.Chain[:])
	n := d.Array(MaxItems)
	if n == 0 {
		d.Fail(wire.Invalid("question for nothing"))
	}
	for range n {
		if d.Err() != nil {
			break
		}
		a.Items = append(a.Items, decodeItem(d))
	}
	return a, d.End()
}

func decodeItem(d *wire.Decoder) (i Item) {
	n := d.Array(4)
	i.Kind = uint8(d.Uint(ItemFind))
	if i.Kind == 0 || n != i.parts() {
		d.Fail(wire.Invalid("item of kind %d with %d parts", i.Kind, n))
		return i
	}
	if i.Kind == ItemNumber {
		i.Number = d.Uint(1<<64 - 1)
		return i
	}
	d.Fixed(i.Block[:])
	if i.Kind <= ItemCode {
		d.Fixed(i.Address[:])
	}
	if i.Kind == ItemProof {
		for range d.Array(MaxKeys) {
			var k evm.Hash
			d.Fixed(k[:])
			i.Keys = append(i.Keys, k)
		}
	}
	return i
}
