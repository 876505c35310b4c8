package deposit

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/wire"
)

func unhexT(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The test cases of EIP-2333.
func TestDerivation(t *testing.T) {
	for _, c := range []struct {
		seed, master string
		index        uint32
		child        string
	}{
		{"c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
			"6083874454709270928345386274498605044986640685124978867557563392430687146096", 0,
			"20397789859736650942317412262472558107875392172444076792671091975210932703118"},
		{"3141592653589793238462643383279502884197169399375105820974944592",
			"29757020647961307431480504535336562678282505419141012933316116377660817309383", 3141592653,
			"25457201688850691947727629385191704516744796114925897962676248250929345014287"},
		{"0099FF991111002299DD7744EE3355BBDD8844115566CC55663355668888CC00",
			"27580842291869792442942448775674722299803720648445448686099262467207037398656", 4294967295,
			"29358610794459428860402234341874281240803786294062035874021252734817515685787"},
		{"d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3",
			"19022158461524446591288038168518313374041767046816487870552872741050760015818", 42,
			"31372231650479070279774297061823572166496564838472787488249775572789064611981"},
	} {
		m, err := master(unhexT(t, c.seed))
		if got := new(big.Int).SetBytes(m[:]).String(); err != nil || got != c.master {
			t.Errorf("master %s, %v", got, err)
		}
		k, err := child(m, c.index)
		if got := new(big.Int).SetBytes(k[:]).String(); err != nil || got != c.child {
			t.Errorf("child %d: %s, %v", c.index, got, err)
		}
	}
	if _, err := master(make([]byte, 31)); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("short seed: %v", err)
	}
}

// The path of EIP-2334, step by step.
func TestPath(t *testing.T) {
	seed, err := identity.Seed(strings.Repeat("abandon ", 23)+"art", "")
	if err != nil {
		t.Fatal(err)
	}
	k, err := Derive(seed, 7)
	if err != nil || k.Path() != "m/12381/3600/7/0/0" {
		t.Fatal(k, err)
	}
	sk, _ := master(seed[:])
	for _, i := range []uint32{12381, 3600, 7, 0, 0} {
		sk, _ = child(sk, i)
	}
	same, err := FromBytes(sk[:])
	if err != nil || same.Pubkey() != k.Pubkey() {
		t.Errorf("%v, %v", same.Pubkey(), err)
	}
	if other, _ := Derive(seed, 8); other.Pubkey() == k.Pubkey() {
		t.Error("two indices, one key")
	}
}

func TestNoKey(t *testing.T) {
	for name, b := range map[string][]byte{"short": make([]byte, 31), "zero": make([]byte, 32), "order": order().FillBytes(make([]byte, 32)),
		"all ones": bytes.Repeat([]byte{0xff}, 32)} {
		if _, err := FromBytes(b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// interop is a well-known key of test chains: SHA-256 of its number, little-endian, below the order.
func interop(t testing.TB, n byte) *Key {
	t.Helper()
	in := make([]byte, 32)
	in[0] = n
	h := sha256.Sum256(in)
	slices.Reverse(h[:])
	k, err := FromBytes(new(big.Int).Mod(new(big.Int).SetBytes(h[:]), order()).FillBytes(make([]byte, 32)))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func known(t testing.TB) *Data {
	t.Helper()
	d, err := interop(t, 0).Sign(To(common.HexToAddress("0xaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"), false), Full, [4]byte{0, 0, 0, 1})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Roots as another implementation computes them.
func TestKnownDeposit(t *testing.T) {
	d := known(t)
	if got := d.Pubkey.String(); got != "0xa99a76ed7796f7be22d5b7e85deeb7c5677e88e511e0b337618f8c4eb61349b4bf2d153f649f7b53359fe8b94a38e44c" {
		t.Errorf("key %s", got)
	}
	if got := d.MessageRoot(); hex.EncodeToString(got[:]) != "5385f20f5adbe76a91b74a1a0344d1d7c736f6fa8853db5742ef5c21eb4cc54b" {
		t.Errorf("message root %x", got)
	}
	if got := d.Root(); hex.EncodeToString(got[:]) != "4c22da6c946fed7008a434b3c48a4b2b552b725a2d1dc0b35a1c95ab699d7633" {
		t.Errorf("data root %x", got)
	}
}

func TestSignRefuses(t *testing.T) {
	k, one, two := interop(t, 1), To(common.Address{1}, false), To(common.Address{1}, true)
	for _, c := range []struct {
		to   Credentials
		gwei uint64
		ok   bool
	}{{one, Full, true}, {one, Full - 1, false}, {one, Full + 1, false}, {one, 64 * ETH, false}, {two, Full, true}, {two, 64 * ETH, true},
		{two, Most, true}, {two, Most + 1, false}, {two, 1, false}, {one, 0, false}} {
		if _, err := k.Sign(c.to, c.gwei, [4]byte{}); (err == nil) != c.ok {
			t.Errorf("kind %d, %d Gwei: %v", c.to[0], c.gwei, err)
		}
	}
}

// A deposit that anything was changed in is lost on the chain, and refused here.
func TestVerify(t *testing.T) {
	d, fork := known(t), [4]byte{0, 0, 0, 1}
	if err := d.Verify(fork); err != nil {
		t.Fatal(err)
	}
	other := interop(t, 1)
	for name, bend := range map[string]func(d *Data){
		"amount":      func(d *Data) { d.Amount++ },
		"credentials": func(d *Data) { d.Credentials[31] ^= 1 },
		"kind":        func(d *Data) { d.Credentials[0] = 2 },
		"key":         func(d *Data) { d.Pubkey = other.Pubkey() },
		"signature":   func(d *Data) { d.Signature[95] ^= 1 },
		"no point":    func(d *Data) { d.Pubkey = Pubkey{0xff} },
	} {
		b := *d
		bend(&b)
		if err := b.Verify(fork); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := d.Verify([4]byte{0, 0, 0, 2}); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("another chain: %v", err)
	}
}

func TestCall(t *testing.T) {
	d := known(t)
	b := d.Call()
	got, err := DecodeCall(b, Full)
	if err != nil || *got != *d {
		t.Fatalf("%v, %v", got, err)
	}
	if _, err := DecodeCall(b, Full+1); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("another amount: %v", err)
	}
	for i := range b {
		c := slices.Clone(b)
		c[i] ^= 1
		if _, err := DecodeCall(c, Full); !errors.Is(err, wire.ErrInvalid) {
			t.Fatalf("byte %d changed: %v", i, err)
		}
	}
	for _, c := range [][]byte{nil, b[:len(b)-1], append(slices.Clone(b), 0)} {
		if _, err := DecodeCall(c, Full); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%d bytes: %v", len(c), err)
		}
	}
}

// event is what the contract logs.
func event(d *Data, number byte) []byte {
	word := func(n uint64) []byte { return appendWord(nil, n) }
	out := bytes.Join([][]byte{word(160), word(256), word(320), word(384), word(512), word(48), d.Pubkey[:], make([]byte, 16), word(32), d.Credentials[:]}, nil)
	amount := d.amount()
	out = append(append(out, word(8)...), amount[:]...)
	out = append(append(out, word(96)...), d.Signature[:]...)
	return append(append(append(out, word(8)...), number), make([]byte, 31)...)
}

func TestEvent(t *testing.T) {
	d := known(t)
	got, n, err := DecodeEvent(event(d, 5))
	if err != nil || *got != *d || n != 5 {
		t.Errorf("%v, %d, %v", got, n, err)
	}
	for _, b := range [][]byte{nil, event(d, 5)[:575], append(event(d, 5), 0)} {
		if _, _, err := DecodeEvent(b); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%d bytes: %v", len(b), err)
		}
	}
}

// The test vectors of EIP-2335.
const scryptVector = `{"crypto": {"kdf": {"function": "scrypt", "params": {"dklen": 32, "n": 262144, "p": 1, "r": 8,
"salt": "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"}, "message": ""},
"checksum": {"function": "sha256", "params": {}, "message": "d2217fe5f3e9a1e34581ef8a78f7c9928e436d36dacc5e846690a5581e8ea484"},
"cipher": {"function": "aes-128-ctr", "params": {"iv": "264daa3f303d7259501c93d997d84fe6"},
"message": "06ae90d55fe0a6e9c5c3bc5b170827b2e5cce3929ed3f116c2811e6366dfe20f"}},
"description": "This is a test keystore that uses scrypt to secure the secret.",
"pubkey": "9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27f4ae4040902382ae2910c15e2b420d07",
"path": "m/12381/60/3141592653/589793238", "uuid": "1d85ae20-35c5-4611-98e8-aa14a633906f", "version": 4}`

const pbkdf2Vector = `{"crypto": {"kdf": {"function": "pbkdf2", "params": {"dklen": 32, "c": 262144, "prf": "hmac-sha256",
"salt": "d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3"}, "message": ""},
"checksum": {"function": "sha256", "params": {}, "message": "8a9f5d9912ed7e75ea794bc5a89bca5f193721d30868ade6f73043c6ea6febf1"},
"cipher": {"function": "aes-128-ctr", "params": {"iv": "264daa3f303d7259501c93d997d84fe6"},
"message": "cee03fde2af33149775b7223e7845e4fb2c8ae1792e5f99fe9ecf474cc8c16ad"}},
"description": "This is a test keystore that uses PBKDF2 to secure the secret.",
"pubkey": "9612d7a727c9d0a22e185a1c768478dfe919cada9266988cb32359c11f2b7b27f4ae4040902382ae2910c15e2b420d07",
"path": "m/12381/60/0/0", "uuid": "64625def-3331-4eea-ab6f-782f3ed16a83", "version": 4}`

// vectorPass is "testpassword" in mathematical letters and a key: what EIP-2335 normalises.
const vectorPass = "\U0001d531\U0001d522\U0001d530\U0001d531\U0001d52d\U0001d51e\U0001d530\U0001d530\U0001d534\U0001d52c\U0001d52f\U0001d521\U0001f511"

func TestKeystoreVectors(t *testing.T) {
	for name, text := range map[string]string{"scrypt": scryptVector, "pbkdf2": pbkdf2Vector} {
		s, err := DecodeKeystore([]byte(text))
		if err != nil {
			t.Fatal(name, err)
		}
		for _, pass := range []string{vectorPass, "test\x7fpass\u0085word\n\U0001f511"} {
			k, err := s.Open([]byte(pass))
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			if b := k.sk.Serialize(); hex.EncodeToString(b[:]) != "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f" {
				t.Errorf("%s: secret %x", name, b)
			}
		}
	}
}

func exported(t testing.TB, k *Key) []byte {
	t.Helper()
	b, err := k.Export([]byte("a pass-phrase"), 2, bytes.NewReader(bytes.Repeat([]byte{9}, 64)))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExport(t *testing.T) {
	seed, _ := identity.Seed(strings.Repeat("abandon ", 23)+"art", "")
	k, err := Derive(seed, 0)
	if err != nil {
		t.Fatal(err)
	}
	b := exported(t, k)
	secret := k.sk.Serialize()
	if bytes.Contains(b, []byte(hex.EncodeToString(secret[:]))) {
		t.Fatal("the secret stands in the file")
	}
	s, err := DecodeKeystore(b)
	if err != nil {
		t.Fatal(err)
	}
	got, err := s.Open([]byte("a pass-phrase"))
	if err != nil || got.Pubkey() != k.Pubkey() || got.Path() != "m/12381/3600/0/0/0" || s.UUID != "09090909-0909-4909-8909-090909090909" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := s.Open([]byte("another")); !errors.Is(err, wire.ErrInvalid) || strings.Contains(err.Error(), "another") {
		t.Errorf("wrong pass-phrase: %v", err)
	}
	if _, err := s.Open([]byte("\xff")); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("no UTF-8: %v", err)
	}
	if _, err := k.Export([]byte("p"), 2, bytes.NewReader(nil)); err == nil {
		t.Error("no randomness, and a file all the same")
	}
}

func TestHostileKeystore(t *testing.T) {
	good := string(exported(t, interop(t, 0)))
	for name, c := range map[string][2]string{
		"version":         {`"version": 4`, `"version": 3`},
		"much memory":     {`"n": 2,`, `"n": 1073741824,`},
		"a gigabyte":      {`"n": 2,`, `"n": 1048576,`},
		"overflow":        {`"n": 2,`, `"n": 9223372036854775807,`},
		"many lanes":      {`"p": 1,`, `"p": 1073741824,`},
		"negative":        {`"r": 8,`, `"r": -8,`},
		"no work":         {`"n": 2,`, `"n": 1,`},
		"short key":       {`"dklen": 32`, `"dklen": 16`},
		"other function":  {`"scrypt"`, `"argon2id"`},
		"other cipher":    {`"aes-128-ctr"`, `"aes-128-ecb"`},
		"other checksum":  {`"sha256"`, `"md5"`},
		"rounds":          {`"scrypt",`, `"pbkdf2",`},
		"iv":              {`"iv": "`, `"iv": "zz`},
		"not JSON":        {`{`, `[`},
		"no number":       {`"n": 2,`, `"n": "2",`},
		"salt of nothing": {`"salt": "` + strings.Repeat("09", 32), `"salt": "`},
	} {
		b := strings.Replace(good, c[0], c[1], 1)
		if b == good {
			t.Fatalf("%s changed nothing", name)
		}
		if _, err := DecodeKeystore([]byte(b)); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeKeystore(append([]byte(good), bytes.Repeat([]byte(" "), maxKeystore)...)); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("large file: %v", err)
	}
	key := interop(t, 1).Pubkey()
	zero := interop(t, 0).Pubkey()
	s, err := DecodeKeystore([]byte(strings.Replace(good, hex.EncodeToString(zero[:]), hex.EncodeToString(key[:]), 1)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Open([]byte("a pass-phrase")); !errors.Is(err, wire.ErrInvalid) {
		t.Errorf("another's public key: %v", err)
	}
}

func FuzzDecodeKeystore(f *testing.F) {
	f.Add([]byte(scryptVector))
	f.Add([]byte(pbkdf2Vector))
	f.Add(exported(f, interop(f, 0)))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeKeystore(b)
		if err != nil {
			if !errors.Is(err, wire.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if p := s.Crypto.KDF.Params; p.N*p.R*p.P <= 1<<10 && p.C <= 1<<10 {
			if _, err := s.Open([]byte("a pass-phrase")); err != nil && !errors.Is(err, wire.ErrInvalid) {
				t.Fatal(err)
			}
		}
	})
}

func FuzzDecodeCall(f *testing.F) {
	f.Add(known(f).Call(), uint64(Full))
	f.Fuzz(func(t *testing.T, b []byte, gwei uint64) {
		if d, err := DecodeCall(b, gwei); err == nil && !bytes.Equal(d.Call(), b) {
			t.Fatal("another call")
		}
	})
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add(event(known(f), 1))
	f.Fuzz(func(t *testing.T, b []byte) {
		if d, _, err := DecodeEvent(b); err == nil {
			_ = d.Root()
		}
	})
}
