package deposit

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"

	"golang.org/x/crypto/scrypt"
	"golang.org/x/text/unicode/norm"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxKeystore = 16 << 10
	maxMemory   = 512 << 20 // bytes that scrypt may take
	maxRounds   = 10_000_000

	// ScryptN is what deposit tools write: 256 MiB and about a second.
	ScryptN = 1 << 18
)

// Keystore is a file of EIP-2335, version 4.
type Keystore struct {
	Crypto struct {
		KDF      module `json:"kdf"`
		Checksum module `json:"checksum"`
		Cipher   module `json:"cipher"`
	} `json:"crypto"`
	Description string `json:"description"`
	Pubkey      string `json:"pubkey"` // 96 digits, or empty
	Path        string `json:"path"`
	UUID        string `json:"uuid"`
	Version     int    `json:"version"`
}

type module struct {
	Function string `json:"function"`
	Params   params `json:"params"`
	Message  string `json:"message"` // hex
}

// params of every module; those of the others stay empty.
type params struct {
	DKLen int    `json:"dklen,omitempty"`
	N     int    `json:"n,omitempty"`
	R     int    `json:"r,omitempty"`
	P     int    `json:"p,omitempty"`
	C     int    `json:"c,omitempty"`
	PRF   string `json:"prf,omitempty"`
	Salt  string `json:"salt,omitempty"` // hex
	IV    string `json:"iv,omitempty"`   // hex
}

// Export seals a key under a pass-phrase with scrypt(n, 8, 1). n is ScryptN but in tests.
func (k *Key) Export(pass []byte, n int, rnd io.Reader) ([]byte, error) {
	random := make([]byte, 32+16+16)
	if _, err := io.ReadFull(rnd, random); err != nil {
		return nil, err
	}
	salt, iv, id := random[:32], random[32:48], random[48:]
	id[6], id[8] = id[6]&15|0x40, id[8]&63|0x80 // RFC 9562 version 4
	s := &Keystore{Pubkey: hex.EncodeToString(k.pub[:]), Path: k.path, Version: 4,
		UUID: fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])}
	s.Crypto.KDF = module{Function: "scrypt", Params: params{DKLen: 32, N: n, R: 8, P: 1, Salt: hex.EncodeToString(salt)}}
	dk, err := s.derive(pass)
	if err != nil {
		return nil, err
	}
	secret := k.sk.Serialize()
	sealed, err := stream(dk, iv, secret[:])
	if err != nil {
		return nil, err
	}
	s.Crypto.Cipher = module{Function: "aes-128-ctr", Params: params{IV: hex.EncodeToString(iv)}, Message: hex.EncodeToString(sealed)}
	s.Crypto.Checksum = module{Function: "sha256", Message: hex.EncodeToString(checksum(dk, sealed))}
	b, err := json.MarshalIndent(s, "", "  ")
	return append(b, '\n'), err
}

// DecodeKeystore reads a file and refuses what would take more than 512 MiB or minutes to open. Nothing is opened yet.
func DecodeKeystore(b []byte) (*Keystore, error) {
	s := &Keystore{}
	if len(b) > maxKeystore || json.Unmarshal(b, s) != nil || s.Version != 4 {
		return nil, wire.Invalid("no keystore of version 4 (EIP-2335)")
	}
	if err := s.affordable(); err != nil {
		return nil, err
	}
	c := &s.Crypto
	if c.Checksum.Function != "sha256" || c.Cipher.Function != "aes-128-ctr" {
		return nil, wire.Invalid("keystore: %.20q or %.20q is not known", c.Checksum.Function, c.Cipher.Function)
	}
	for _, f := range []struct {
		what, text string
		least, n   int
	}{{"salt", c.KDF.Params.Salt, 1, 64}, {"iv", c.Cipher.Params.IV, 16, 16}, {"message", c.Cipher.Message, 32, 32}, {"checksum", c.Checksum.Message, 32, 32}} {
		if b, err := hex.DecodeString(f.text); err != nil || len(b) < f.least || len(b) > f.n {
			return nil, wire.Invalid("keystore: %s is not %d bytes in hex", f.what, f.n)
		}
	}
	return s, nil
}

func (s *Keystore) affordable() error {
	p, f := s.Crypto.KDF.Params, s.Crypto.KDF.Function
	switch {
	case p.DKLen != 32:
		return wire.Invalid("keystore: derived key of %d bytes", p.DKLen)
	case f == "scrypt" && (p.N < 2 || p.R < 1 || p.P < 1 || p.R > 1<<10 || p.P > 1<<10 || p.N > maxMemory/128/p.R || p.N*p.R*p.P > 1<<24):
		return wire.Invalid("keystore asks for too much work: n %d, r %d, p %d", p.N, p.R, p.P)
	case f == "pbkdf2" && (p.PRF != "hmac-sha256" || p.C < 1 || p.C > maxRounds):
		return wire.Invalid("keystore asks for %d rounds of %.20q", p.C, p.PRF)
	case f != "scrypt" && f != "pbkdf2":
		return wire.Invalid("keystore: %.20q is not known", f)
	}
	return nil
}

// Open unseals the key. That it is the one of the file's public key, if that is told, is checked.
func (s *Keystore) Open(pass []byte) (*Key, error) {
	dk, err := s.derive(pass)
	if err != nil {
		return nil, err
	}
	iv, sealed, sum := unhex(s.Crypto.Cipher.Params.IV), unhex(s.Crypto.Cipher.Message), unhex(s.Crypto.Checksum.Message)
	if subtle.ConstantTimeCompare(checksum(dk, sealed), sum) != 1 {
		return nil, wire.Invalid("keystore: wrong pass-phrase, or damaged")
	}
	secret, err := stream(dk, iv, sealed)
	if err != nil {
		return nil, err
	}
	k, err := FromBytes(secret)
	if err != nil {
		return nil, err
	}
	if s.Pubkey != "" && string(unhex(s.Pubkey)) != string(k.pub[:]) {
		return nil, wire.Invalid("keystore: its key is %v, not the one that it names", k.pub)
	}
	k.path = s.Path
	return k, nil
}

// derive runs the key derivation over the pass-phrase in the form that EIP-2335 asks for.
func (s *Keystore) derive(pass []byte) ([]byte, error) {
	if !utf8.Valid(pass) {
		return nil, wire.Invalid("pass-phrase of a keystore must be UTF-8")
	}
	var plain []rune
	for _, r := range string(norm.NFKD.Bytes(pass)) {
		if r >= 0x20 && (r < 0x7f || r > 0x9f) { // neither C0, delete nor C1
			plain = append(plain, r)
		}
	}
	p := s.Crypto.KDF.Params
	if s.Crypto.KDF.Function == "pbkdf2" {
		return pbkdf2.Key(sha256.New, string(plain), unhex(p.Salt), p.C, p.DKLen)
	}
	dk, err := scrypt.Key([]byte(string(plain)), unhex(p.Salt), p.N, p.R, p.P, p.DKLen)
	if err != nil {
		return nil, wire.Invalid("keystore: %v", err)
	}
	return dk, nil
}

func stream(dk, iv, in []byte) ([]byte, error) {
	block, err := aes.NewCipher(dk[:16])
	if err != nil {
		return nil, err
	}
	out := make([]byte, len(in))
	cipher.NewCTR(block, iv).XORKeyStream(out, in)
	return out, nil
}

func checksum(dk, sealed []byte) []byte {
	h := sha256.Sum256(append(append([]byte{}, dk[16:32]...), sealed...))
	return h[:]
}

// unhex is for text that DecodeKeystore has looked at; what is no hex is empty.
func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		return nil
	}
	return b
}
