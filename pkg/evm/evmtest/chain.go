package evmtest

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/big"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/consensus/beacon"
	"github.com/ethereum/go-ethereum/consensus/ethash"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"
	"github.com/ethereum/go-ethereum/ethdb"
	"github.com/ethereum/go-ethereum/params"
	"github.com/ethereum/go-ethereum/triedb"
	blsu "github.com/protolambda/bls12-381-util"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/profile"
)

const (
	secondsPerSlot = 10 // as far apart as the chain maker puts blocks
	genesisTime    = 1_700_000_000
	chainID        = 1337
)

// Chain is one slot a block: block n stands in slot n. Deneb holds from slot 0, Electra from 80, Fulu from 128; the
// sync-committee periods have 64 slots.
type Chain struct {
	Spec     *light.Spec
	Profile  *profile.Profile
	Key      *ecdsa.PrivateKey // has all the money
	Addr     common.Address
	Contract common.Address // keeps and logs the word it is sent; without data it returns that word
	Blocks   []*types.Block // 0 is genesis
	Receipts []types.Receipts
	Genesis  *core.Genesis

	db  ethdb.Database
	evm *params.ChainConfig
	tdb *triedb.Database

	mu      sync.Mutex // guards what was made once
	signed  map[[2]uint64]light.Update
	headers map[uint64]light.Header
	states  map[uint64]tree
	keys    map[uint64]*committee
}

type committee struct {
	light  *light.Committee
	secret []*blsu.SecretKey
}

// Runtime is the code of Contract.
const Runtime = "36600f5760005460005260206000f35b6000358060005580600052602060" + "00a100"

// New makes a chain of n blocks. Each odd block holds a transaction to Contract with the block's number as its word,
// each fourth a payment to Payee too.
func New(n int) *Chain { return NewAt(n, genesisTime) }

// NewAt is New with a genesis at a Unix second.
func NewAt(n int, genesis uint64) *Chain { return NewEvents(n, genesis, nil) }

// DepositContract takes every call, and logs its input as the data of a DepositEvent.
func DepositContract() common.Address { return common.Address{0x42, 19: 0x42} }

const depositRuntime = "365f5f377f649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5365fa100"

// NewEvents is NewAt with calls of DepositContract in blocks of those numbers.
func NewEvents(n int, genesis uint64, events map[int][]byte) *Chain {
	key, err := crypto.ToECDSA(crypto.Keccak256([]byte("evmtest")))
	if err != nil {
		panic(err)
	}
	c := &Chain{Key: key, Addr: crypto.PubkeyToAddress(key.PublicKey), signed: map[[2]uint64]light.Update{}, headers: map[uint64]light.Header{}, states: map[uint64]tree{}, keys: map[uint64]*committee{}}
	c.Contract = crypto.CreateAddress(c.Addr, 0)
	g := core.DeveloperGenesisBlock(30_000_000, &c.Addr)
	g.Timestamp, c.Genesis = genesis, g
	g.Alloc[DepositContract()] = types.Account{Code: common.FromHex(depositRuntime), Balance: new(big.Int)}
	signer := types.LatestSigner(g.Config)
	nonce := uint64(0)
	send := func(b *core.BlockGen, to *common.Address, value int64, data []byte) {
		tx := types.MustSignNewTx(key, signer, &types.DynamicFeeTx{ChainID: g.Config.ChainID, Nonce: nonce, To: to, Value: big.NewInt(value), Data: data,
			Gas: 300_000, GasFeeCap: big.NewInt(5e9), GasTipCap: big.NewInt(1e9)})
		nonce++
		b.AddTx(tx)
	}
	db, blocks, receipts := core.GenerateChainWithGenesis(g, beacon.New(ethash.NewFaker()), n, func(i int, b *core.BlockGen) {
		b.SetParentBeaconRoot(common.Hash{byte(i)})
		if data := events[i+1]; data != nil {
			to := DepositContract()
			send(b, &to, 0, data)
		}
		switch {
		case i == 0:
			code := common.FromHex("60" + fmt.Sprintf("%02x", len(Runtime)/2) + "80600b6000396000f3" + Runtime)
			send(b, nil, 0, code)
		case i%2 == 0:
			send(b, &c.Contract, 0, common.BigToHash(b.Number()).Bytes())
			if i%4 == 0 {
				to := Payee()
				send(b, &to, 7, nil)
			}
		}
	})
	c.evm = g.Config
	c.db, c.Receipts = db, append([]types.Receipts{nil}, receipts...)
	c.Blocks = append([]*types.Block{g.ToBlock()}, blocks...)
	c.tdb = triedb.NewDatabase(db, triedb.HashDefaults)
	c.Spec = &light.Spec{Preset: light.Minimal(), SecondsPerSlot: secondsPerSlot, GenesisTime: genesis, GenesisRoot: light.Root{7},
		Forks: []light.ForkRow{{Fork: light.Deneb, Version: [4]byte{4}}, {Fork: light.Electra, Epoch: 10, Version: [4]byte{5}}, {Fork: light.Fulu, Epoch: 16, Version: [4]byte{6}}}}
	c.Profile = &profile.Profile{Name: "evmtest", ChainID: chainID, Chain: &profile.Chain{Finality: profile.FinalitySync, Preset: "minimal",
		SecondsPerSlot: secondsPerSlot, GenesisTime: genesis, GenesisRoot: c.Spec.GenesisRoot.String(), WSPeriod: 86400,
		Execution: []profile.ExecutionFork{{Name: "shanghai"}, {Name: "cancun"}, {Name: "prague"}, {Name: "osaka"}}}}
	for _, f := range c.Spec.Forks {
		c.Profile.Chain.Forks = append(c.Profile.Chain.Forks, profile.Fork{Name: f.Fork.String(), Epoch: f.Epoch, Version: fmt.Sprintf("0x%x", f.Version)})
	}
	return c
}

// Fork is n other blocks on block from, whose first sends Contract a word of their own; nonce is that of Addr there.
func (c *Chain) Fork(from, n int, nonce uint64) ([]*types.Block, []types.Receipts) {
	return core.GenerateChain(c.evm, c.Blocks[from], beacon.New(ethash.NewFaker()), c.db, n, func(i int, b *core.BlockGen) {
		b.SetParentBeaconRoot(common.Hash{0xff, byte(i)})
		if i == 0 {
			b.AddTx(types.MustSignNewTx(c.Key, types.LatestSigner(c.evm), &types.DynamicFeeTx{ChainID: c.evm.ChainID, Nonce: nonce, To: &c.Contract,
				Data: common.Hash{0xf0}.Bytes(), Gas: 300_000, GasFeeCap: big.NewInt(5e9), GasTipCap: big.NewInt(1e9)}))
		}
	})
}

// Payee is paid 7 wei by some blocks.
func Payee() common.Address { return common.Address{0xaa} }

func (c *Chain) committee(period uint64) *committee {
	if k := c.keys[period]; k != nil {
		return k
	}
	k := &committee{light: &light.Committee{}}
	var points []*blsu.Pubkey
	for i := range c.Spec.CommitteeSize {
		seed := sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(i)}, period))
		seed[0] = 0 // below the order of the group
		sk := new(blsu.SecretKey)
		if err := sk.Deserialize(&seed); err != nil {
			panic(err)
		}
		pk, err := blsu.SkToPk(sk)
		if err != nil {
			panic(err)
		}
		k.secret = append(k.secret, sk)
		k.light.Keys = append(k.light.Keys, pk.Serialize())
		points = append(points, pk)
	}
	sum, err := blsu.AggregatePubkeys(points)
	if err != nil {
		panic(err)
	}
	k.light.Aggregate = sum.Serialize()
	c.keys[period] = k
	return k
}

// finalized is the slot that the state of a slot says is final: the start of the epoch two before; 0 for none.
func (c *Chain) finalized(slot uint64) uint64 {
	e := c.Spec.Epoch(slot)
	if e < 3 {
		return 0
	}
	return (e - 2) * c.Spec.SlotsPerEpoch
}

// Header is the light-client header of a slot.
func (c *Chain) Header(slot uint64) light.Header {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.header(slot)
}

func (c *Chain) header(slot uint64) light.Header {
	if h, ok := c.headers[slot]; ok {
		return h
	}
	exec := ExecOf(c.Blocks[slot].Header())
	h := light.Header{Exec: exec, Beacon: light.BeaconHeader{Slot: slot, Proposer: slot % 16, Parent: light.Root{1, byte(slot)}}}
	body := tree{25: c.Spec.ExecRoot(&h)}
	h.Branch, h.Beacon.Body = body.branch(25), body.node(1)
	h.Beacon.StateRoot = c.state(slot).node(1)
	c.headers[slot] = h
	return h
}

func (c *Chain) state(slot uint64) tree {
	if t, ok := c.states[slot]; ok {
		return t
	}
	final, current, next := c.Spec.Gindices(slot)
	p := c.Spec.Period(slot)
	t := tree{current: c.committee(p).light.Root(), next: c.committee(p + 1).light.Root()}
	if f := c.finalized(slot); f > 0 {
		h := c.header(f)
		t[final] = h.Beacon.Root()
	}
	c.states[slot] = t
	return t
}

// ExecOf turns a header of the execution chain into the beacon chain's form. The two roots that are hashed in another
// way there are left empty.
func ExecOf(h *types.Header) *light.Exec {
	fee := h.BaseFee.FillBytes(make([]byte, 32))
	slices.Reverse(fee)
	e := &light.Exec{Parent: light.Root(h.ParentHash), Recipient: h.Coinbase, StateRoot: light.Root(h.Root), Receipts: light.Root(h.ReceiptHash),
		Bloom: h.Bloom, Randao: light.Root(h.MixDigest), Number: h.Number.Uint64(), GasLimit: h.GasLimit, GasUsed: h.GasUsed, Time: h.Time,
		Extra: h.Extra, BaseFee: light.Root(fee), Hash: light.Root(h.Hash())}
	if h.BlobGasUsed != nil {
		e.BlobGas, e.ExcessBlob = *h.BlobGasUsed, *h.ExcessBlobGas
	}
	return e
}

// Root is the beacon block root of a slot.
func (c *Chain) Root(slot uint64) light.Root {
	h := c.Header(slot)
	return h.Beacon.Root()
}

// Bootstrap is the container of a slot.
func (c *Chain) Bootstrap(slot uint64) *light.Bootstrap {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, current, _ := c.Spec.Gindices(slot)
	return &light.Bootstrap{Header: c.header(slot), Current: c.committee(c.Spec.Period(slot)).light, Branch: c.state(slot).branch(current)}
}

// Update is the full update that attests a slot, signed in the next one by as many members.
func (c *Chain) Update(slot uint64, signers int) *light.Update {
	c.mu.Lock()
	defer c.mu.Unlock()
	at := [2]uint64{slot, uint64(signers)}
	if _, ok := c.signed[at]; !ok {
		c.signed[at] = *c.update(slot, signers)
	}
	u := c.signed[at]
	u.NextBranch, u.FinalityBranch, u.Bits = slices.Clone(u.NextBranch), slices.Clone(u.FinalityBranch), slices.Clone(u.Bits)
	return &u
}

func (c *Chain) update(slot uint64, signers int) *light.Update {
	u := c.Spec.NewUpdate(slot)
	final, _, next := c.Spec.Gindices(slot)
	u.Attested = c.header(slot)
	u.Next, u.NextBranch = c.committee(c.Spec.Period(slot)+1).light, c.state(slot).branch(next)
	if f := c.finalized(slot); f > 0 {
		u.Finalized, u.FinalityBranch = c.header(f), c.state(slot).branch(final)
	}
	u.SigSlot = slot + 1
	c.sign(u, signers)
	return u
}

// Sign signs an update anew with the first members of the committee of its signature slot.
func (c *Chain) Sign(u *light.Update, signers int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sign(u, signers)
}

func (c *Chain) sign(u *light.Update, signers int) {
	k := c.committee(c.Spec.Period(u.SigSlot))
	root := c.Spec.SigningRoot(u)
	var sigs []*blsu.Signature
	u.Bits = make([]byte, len(u.Bits))
	for i := range signers {
		u.Bits[i/8] |= 1 << (i % 8)
		sigs = append(sigs, blsu.Sign(k.secret[i], root[:]))
	}
	sum, err := blsu.Aggregate(sigs)
	if err != nil {
		panic(err)
	}
	u.Signature = sum.Serialize()
}

// All is how many members a committee has.
func (c *Chain) All() int { return c.Spec.CommitteeSize }

// Secret is Key as 32 bytes.
func (c *Chain) Secret() []byte { return crypto.FromECDSA(c.Key) }
