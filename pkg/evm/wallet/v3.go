package wallet

import (
	"encoding/json"

	"github.com/ethereum/go-ethereum/accounts/keystore"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	maxV3     = 8 << 10
	maxScrypt = 512 << 20 // bytes of memory
)

// Cost of deriving a key of a keystore file.
type Cost struct{ N, P int }

// Desktop takes 256 MiB and about a second; Phone 4 MiB.
func Desktop() Cost { return Cost{keystore.StandardScryptN, keystore.StandardScryptP} }

// Phone is for a file inside a store that is sealed already.
func Phone() Cost { return Cost{keystore.LightScryptN, keystore.LightScryptP} }

// ExportV3 writes a key in the form of Web3 Secret Storage, version 3.
func (k *Key) ExportV3(pass []byte, c Cost) ([]byte, error) {
	enc, err := keystore.EncryptDataV3(k.Bytes(), pass, c.N, c.P)
	if err != nil {
		return nil, err
	}
	a := k.Address()
	b, err := json.Marshal(map[string]any{"address": a.Hex()[2:], "crypto": enc, "version": 3})
	return append(b, '\n'), err
}

type v3 struct {
	Address string              `json:"address"`
	Crypto  keystore.CryptoJSON `json:"crypto"`
	Version int                 `json:"version"`
}

// DecodeV3 reads a keystore file with its pass-phrase. What would take more than 512 MiB of memory is refused before.
func DecodeV3(b, pass []byte) (k *Key, err error) {
	var f v3
	if len(b) > maxV3 || json.Unmarshal(b, &f) != nil || f.Version != 3 {
		return nil, wire.Invalid("no keystore file of version 3")
	}
	if err := affordable(f.Crypto.KDF, f.Crypto.KDFParams); err != nil {
		return nil, err
	}
	defer func() { // its reader takes the types of the parameters for granted
		if recover() != nil {
			k, err = nil, wire.Invalid("keystore file: parameters")
		}
	}()
	d, err := keystore.DecryptDataV3(f.Crypto, string(pass))
	if err != nil {
		return nil, wire.Invalid("keystore file: %v", err)
	}
	return FromBytes(d)
}

func affordable(kdf string, p map[string]any) error {
	num := func(name string) float64 { v, _ := p[name].(float64); return v }
	switch kdf {
	case "scrypt":
		n, r, lanes := num("n"), num("r"), num("p")
		if n < 2 || r < 1 || lanes < 1 || n*r*128 > maxScrypt || r*lanes > 1<<16 || n*r*lanes > 1<<24 {
			return wire.Invalid("keystore file asks for too much work: n %v, r %v, p %v", n, r, lanes)
		}
	case "pbkdf2":
		if c := num("c"); c < 1 || c > 10_000_000 {
			return wire.Invalid("keystore file asks for %v rounds", c)
		}
	default:
		return wire.Invalid("keystore file: %.20q is not known", kdf)
	}
	if d := num("dklen"); d != 32 {
		return wire.Invalid("keystore file: key of %v bytes", d)
	}
	return nil
}
