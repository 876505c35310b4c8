package wallet

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/crypto"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/wire"
)

// about is "abandon" x 11 "about" without a pass-phrase, as BIP-39 publishes its seed.
const about = "5eb00bbddcf069084889a8ab9155568165f5c453ccb85e70811aaed6f6da5fc19a5ac40b389cd370d086206dec8aa6c43daea6690f20ad3d8d48b2d2ce9e38e4"

func key(t testing.TB, index uint32) *Key {
	t.Helper()
	b, _ := hex.DecodeString(about)
	k, err := Derive([64]byte(b), index)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestDerive(t *testing.T) {
	for i, want := range []string{"0x9858EfFD232B4033E47d90003D41EC34EcaEda94", "0x6Fac4D18c912343BF86fa7049364Dd4E424Ab9C0"} {
		if got := key(t, uint32(i)).Address().Hex(); got != want {
			t.Errorf("%d: got %s want %s", i, got, want)
		}
	}
	seed, err := identity.Seed(strings.Repeat("abandon ", 23)+"art", "")
	if err != nil {
		t.Fatal(err)
	}
	k, err := Derive(seed, 0)
	if err != nil || k.Address().Hex() != "0xF278cF59F82eDcf871d630F28EcC8056f25C1cdb" {
		t.Errorf("24 words: %v, %v", k.Address(), err)
	}
	if _, err := Derive(seed, 1<<31); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("hardened index: %v", err)
	}
}

// BIP-32 test vector 1, down to m/0'/1.
func TestBIP32(t *testing.T) {
	seed, _ := hex.DecodeString("000102030405060708090a0b0c0d0e0f")
	k, c := split(hmacSHA512([]byte("Bitcoin seed"), seed))
	for _, step := range []struct {
		i    uint32
		want string
	}{{hardened, "edb2e14f9ee77d26dd93b4ecede8d16ed408ce149b6cd80b0715a2d911a0afea"}, {1, "3c6cb8d0f6a264c91ea8b5030fadaa8e538b020f0a387421a12de9319dc93368"}} {
		var err error
		if k, c, err = child(k, c, step.i); err != nil || hex.EncodeToString(k) != step.want {
			t.Errorf("got %x, %v", k, err)
		}
	}
}

// The example of EIP-155.
func TestEIP155(t *testing.T) {
	raw, _ := hex.DecodeString("f86c098504a817c800825208943535353535353535353535353535353535353535880de0b6b3a76400008025a028ef61340bd939bc2195fe537567866003e1a15d3c71ff63e1590620aa636276a067cbe9d8997f761aecb703304b3800ccf555c9f3dc64214b297fb1966a3b6d83")
	s, err := DecodeTx(raw, 1)
	if err != nil || s.From.Hex() != "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F" || s.Nonce != 9 || s.Value.Cmp(big.NewInt(1e18)) != 0 {
		t.Errorf("got %+v, %v", s, err)
	}
	if _, err := DecodeTx(raw, 2); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("another chain: %v", err)
	}
}

func TestSign(t *testing.T) {
	k := key(t, 0)
	to := common.Address{1}
	raw, err := k.Sign(32382, Tx{Nonce: 3, To: &to, Value: big.NewInt(5), Gas: 21000, MaxFee: big.NewInt(100), Tip: big.NewInt(2)})
	if err != nil {
		t.Fatal(err)
	}
	s, err := DecodeTx(raw, 32382)
	if err != nil || s.From != k.Address() || s.Nonce != 3 || s.Chain != 32382 || s.Cost.Int64() != 2100005 || !strings.Contains(s.String(), "5 wei") {
		t.Errorf("got %v, %v", s, err)
	}
	for i := range raw {
		bent := bytes.Clone(raw)
		bent[i] ^= 1
		if b, err := DecodeTx(bent, 32382); err == nil && b.From == s.From {
			t.Fatalf("byte %d flipped and still of the same sender", i)
		}
	}
	for _, bad := range []Tx{{MaxFee: big.NewInt(1), Tip: big.NewInt(2)}, {}, {MaxFee: big.NewInt(1), Tip: big.NewInt(1), Value: big.NewInt(-1)}} {
		if _, err := k.Sign(1, bad); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if Bumped(big.NewInt(10)).Int64() != 11 || Bumped(big.NewInt(11)).Int64() != 13 || Bumped(new(big.Int)).Sign() != 0 {
		t.Error("bumped")
	}
}

func TestRefusedTypes(t *testing.T) {
	k := key(t, 0)
	legacy, _ := types.SignNewTx(k.d, types.HomesteadSigner{}, &types.LegacyTx{Gas: 21000, GasPrice: big.NewInt(1)})
	id := big.NewInt(1)
	auth, err := types.SignNewTx(k.d, types.NewPragueSigner(id), &types.SetCodeTx{Gas: 1, AuthList: []types.SetCodeAuthorization{{}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tx   *types.Transaction
		says string
	}{{legacy, "names no chain"}, {auth, "type 4"}} {
		raw, _ := c.tx.MarshalBinary()
		if _, err := DecodeTx(raw, 1); !errors.Is(err, wire.ErrInvalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", c.says, err)
		}
	}
}

// The example of EIP-712: its hash and its signature by the key keccak("cow").
const mail = `{"types":{"EIP712Domain":[{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}],"Person":[{"name":"name","type":"string"},{"name":"wallet","type":"address"}],"Mail":[{"name":"from","type":"Person"},{"name":"to","type":"Person"},{"name":"contents","type":"string"}]},"primaryType":"Mail","domain":{"name":"Ether Mail","version":"1","chainId":1,"verifyingContract":"0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"},"message":{"from":{"name":"Cow","wallet":"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},"to":{"name":"Bob","wallet":"0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},"contents":"Hello, Bob!"}}`

func TestTyped(t *testing.T) {
	d, err := DecodeTyped([]byte(mail), 1)
	if err != nil || d.Hash.Hex() != "0xbe609aee343fb3c4b28e1df9e632fca64fcfaede20f02e86244efddf30957bd2" || d.Domain != "Ether Mail" || d.Type != "Mail" {
		t.Fatalf("got %+v, %v", d, err)
	}
	k, _ := FromBytes(crypto.Keccak256([]byte("cow")))
	sig, err := k.SignTyped(d)
	if want := "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c"; err != nil || hex.EncodeToString(sig) != want {
		t.Errorf("got %x, %v", sig, err)
	}
	for _, c := range []struct{ old, with string }{{`"chainId":1`, `"chainId":2`}, {`,"chainId":1`, ``}, {`"Mail"`, `"Male"`}, {`"type":"Person"`, `"type":"Person["`}, {`{"types"`, `{"types`}} {
		if _, err := DecodeTyped([]byte(strings.Replace(mail, c.old, c.with, 1)), 1); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s for %s: got %v", c.with, c.old, err)
		}
	}
}

func TestV3(t *testing.T) {
	k := key(t, 0)
	b, err := k.ExportV3([]byte("pass"), Cost{N: 2, P: 1})
	if err != nil {
		t.Fatal(err)
	}
	back, err := DecodeV3(b, []byte("pass"))
	if err != nil || back.Address() != k.Address() {
		t.Errorf("got %v, %v", back, err)
	}
	if _, err := DecodeV3(b, []byte("Pass")); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("wrong pass-phrase: %v", err)
	}
	for _, c := range []struct{ old, with string }{{`"n":2`, `"n":268435456`}, {`"n":2`, `"n":"2"`}, {`"r":8`, `"r":99999999`}, {`"p":1`, `"p":-1`}, {`"dklen":32`, `"dklen":9`}, {`"version":3`, `"version":1`}, {`"scrypt"`, `"argon"`}} {
		if _, err := DecodeV3(bytes.Replace(b, []byte(c.old), []byte(c.with), 1), []byte("pass")); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s for %s: got %v", c.with, c.old, err)
		}
	}
	f, err := os.ReadFile("testdata/v3-pbkdf2.json") // the example of Web3 Secret Storage
	if err != nil {
		t.Fatal(err)
	}
	k, err = DecodeV3(f, []byte("testpassword"))
	if err != nil || hex.EncodeToString(k.Bytes()) != "7a28b5ba57c53603b0b07b56bba752f7784bf506fa95edc395f5cf6c7514fe9d" {
		t.Errorf("published file: %v, %v", k, err)
	}
}

func FuzzDecodeTx(f *testing.F) {
	k := key(f, 0)
	raw, _ := k.Sign(1, Tx{Gas: 21000, MaxFee: big.NewInt(2), Tip: big.NewInt(1)})
	f.Add(raw)
	f.Fuzz(func(t *testing.T, b []byte) {
		if s, err := DecodeTx(b, 1); err == nil && s.Chain != 1 {
			t.Error("another chain")
		}
	})
}

func FuzzDecodeTyped(f *testing.F) {
	f.Add([]byte(mail))
	f.Fuzz(func(_ *testing.T, b []byte) { _, _ = DecodeTyped(b, 1) })
}

func FuzzDecodeV3(f *testing.F) {
	b, _ := key(f, 0).ExportV3(nil, Cost{N: 2, P: 1})
	f.Add(b)
	f.Fuzz(func(_ *testing.T, b []byte) {
		if bytes.Contains(b, []byte(`"n":2,`)) {
			_, _ = DecodeV3(b, nil)
		}
	})
}
