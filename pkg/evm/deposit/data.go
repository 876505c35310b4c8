package deposit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	blsu "github.com/protolambda/bls12-381-util"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	// Gwei is the unit of an amount in wei; ETH is one ether in Gwei.
	Gwei = 1_000_000_000
	// ETH is one ether in Gwei.
	ETH = 1_000_000_000
	// Full is what a validator needs, and counts at most with credentials 0x01; Most counts with 0x02 (EIP-7251).
	Full, Most = 32 * ETH, 2048 * ETH
)

// Root is a hash_tree_root.
type Root [32]byte

// Credentials say who gets the stake back.
type Credentials [32]byte

// To are credentials that pay an address: of kind 0x02, whose rewards add to the stake, or 0x01.
func To(a common.Address, compounding bool) (c Credentials) {
	c[0] = 1
	if compounding {
		c[0] = 2
	}
	copy(c[12:], a[:])
	return c
}

// Data is DepositData of the consensus specs.
type Data struct {
	Pubkey      Pubkey
	Credentials Credentials
	Amount      uint64 // Gwei
	Signature   [96]byte
}

// Sign makes a deposit for a chain, named by its genesis fork version.
func (k *Key) Sign(c Credentials, gwei uint64, fork [4]byte) (*Data, error) {
	if least := uint64(Full); gwei < least || gwei > Most || gwei > least && c[0] != 2 {
		return nil, wire.Invalid("a stake is 32 ETH, or up to 2048 with credentials 0x02")
	}
	d := &Data{Pubkey: k.pub, Credentials: c, Amount: gwei}
	root := d.signingRoot(fork)
	d.Signature = blsu.Sign(k.sk, root[:]).Serialize()
	return d, d.Verify(fork)
}

// Verify checks the signature as the beacon chain will: the money of one that fails is lost.
func (d *Data) Verify(fork [4]byte) error {
	var p blsu.Pubkey
	var s blsu.Signature
	pub, sig := [48]byte(d.Pubkey), d.Signature
	if p.Deserialize(&pub) != nil || s.Deserialize(&sig) != nil {
		return wire.Invalid("deposit: key or signature is no point of the curve")
	}
	if root := d.signingRoot(fork); !blsu.Verify(&p, root[:], &s) {
		return wire.Invalid("deposit: signature does not verify for fork version %x", fork)
	}
	return nil
}

// signingRoot is over DepositMessage in DOMAIN_DEPOSIT, which knows no genesis root: a deposit is valid across forks.
func (d *Data) signingRoot(fork [4]byte) Root {
	var version, domain Root
	copy(version[:], fork[:])
	of := pair(version, Root{})
	domain[0] = 3
	copy(domain[4:], of[:28])
	return pair(d.MessageRoot(), domain)
}

// MessageRoot is hash_tree_root(DepositMessage): key, credentials, amount.
func (d *Data) MessageRoot() Root { return pair(d.who(), pair(d.amount(), Root{})) }

// Root is hash_tree_root(DepositData), which the contract computes too and compares.
func (d *Data) Root() Root {
	var last Root
	copy(last[:], d.Signature[64:])
	sig := pair(pair(Root(d.Signature[:32]), Root(d.Signature[32:64])), pair(last, Root{}))
	return pair(d.who(), pair(d.amount(), sig))
}

func (d *Data) who() Root {
	var rest Root
	copy(rest[:], d.Pubkey[32:])
	return pair(pair(Root(d.Pubkey[:32]), rest), Root(d.Credentials))
}

func (d *Data) amount() (r Root) {
	binary.LittleEndian.PutUint64(r[:], d.Amount)
	return r
}

func pair(a, b Root) Root { return sha256.Sum256(append(a[:], b[:]...)) }

const callSize = 4 + 13*32

// Call is the input of deposit(bytes,bytes,bytes,bytes32).
func (d *Data) Call() []byte {
	b := []byte{0x22, 0x89, 0x51, 0x18}
	root := d.Root()
	for _, offset := range []uint64{0x80, 0xe0, 0x120} {
		b = appendWord(b, offset)
	}
	b = append(b, root[:]...)
	b = append(append(appendWord(b, 48), d.Pubkey[:]...), make([]byte, 16)...)
	b = append(appendWord(b, 32), d.Credentials[:]...)
	return append(appendWord(b, 96), d.Signature[:]...)
}

func appendWord(b []byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64(append(b, make([]byte, 24)...), n)
}

// DecodeCall reads the input of a call that pays an amount. Only what Call writes is a deposit: the root must be right.
func DecodeCall(b []byte, gwei uint64) (*Data, error) {
	if len(b) != callSize {
		return nil, wire.Invalid("call of %d bytes is no deposit", len(b))
	}
	d := &Data{Pubkey: Pubkey(b[4+5*32 : 4+5*32+48]), Credentials: Credentials(b[4+8*32 : 4+9*32]), Amount: gwei, Signature: [96]byte(b[4+10*32:])}
	if !bytes.Equal(d.Call(), b) {
		return nil, wire.Invalid("call is no deposit of %d Gwei", gwei)
	}
	return d, nil
}

// Event is the topic of DepositEvent(bytes,bytes,bytes,bytes,bytes).
func Event() common.Hash {
	return common.HexToHash("0x649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5")
}

// DecodeEvent reads the data of a DepositEvent: the deposit and its number in the contract. The signature is not
// looked at; the contract does not either.
func DecodeEvent(b []byte) (d *Data, number uint64, err error) {
	r, err := types.DepositLogToRequest(b)
	if err != nil || len(r) != 48+32+8+96+8 {
		return nil, 0, wire.Invalid("no event of a deposit")
	}
	return &Data{Pubkey: Pubkey(r[:48]), Credentials: Credentials(r[48:80]), Amount: binary.LittleEndian.Uint64(r[80:]), Signature: [96]byte(r[88:184])},
		binary.LittleEndian.Uint64(r[184:]), nil
}
