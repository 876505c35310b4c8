package evm

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"math/big"
	"os"
	"path/filepath"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/wallet"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/store/files"
	"github.com/pars-network/pars/pkg/wire"
)

// vault opens wallet and queue of the profile's chain with the key of the home.
func vault(c *urfave.Context, f func(*evm.Vault, *keystore.Keys) error) error {
	keys, open, err := unlock(c)
	if err != nil {
		return err
	}
	defer keys.Forget()
	v, err := opened(c.Context, open)
	if err != nil {
		return err
	}
	defer v.Close()
	return f(v, keys.Keys)
}

// unlock opens the keys of the home, and tells how to open the vault with them. Forget them.
func unlock(c *urfave.Context) (keys *keystore.Opened, open func() (*evm.Vault, error), err error) {
	p, err := chainProfile(c)
	if err != nil {
		return nil, nil, err
	}
	home, err := cli.Home(c)
	if err != nil {
		return nil, nil, err
	}
	pass, err := cli.Passphrase(c)
	if err != nil {
		return nil, nil, err
	}
	disk := files.OS(home)
	if pass == nil && cli.StdinTerminal(c) {
		if need, err := keystore.NeedsPassphrase(disk); err == nil && need {
			if pass, err = cli.AskSecret(c, "pass-phrase", false); err != nil {
				return nil, nil, err
			}
		}
	}
	keys, err = keystore.Open(disk, keystore.File(disk), pass)
	if errors.Is(err, keystore.ErrNone) {
		return nil, nil, fmt.Errorf("no keys in %s; make them with pars-node init: %w", home, wire.ErrNotFound)
	}
	if err != nil {
		return nil, nil, err
	}
	if err := os.MkdirAll(filepath.Join(home, "evm"), 0o700); err != nil {
		keys.Forget()
		return nil, nil, err
	}
	return keys, func() (*evm.Vault, error) {
		return evm.OpenVault(home, folder{disk}, keys.Keys.DEK, p.ChainID, rand.Reader)
	}, nil
}

type addressRow struct {
	Address evm.Address `json:"address"`
	Index   uint32      `json:"index"`
}

// Text is the address.
func (r addressRow) Text() string { return r.Address.String() }

type rawRow struct {
	Raw  string   `json:"raw"`
	Hash evm.Hash `json:"hash"`
	Says string   `json:"says"`
}

// Text is the signed transaction.
func (r rawRow) Text() string { return r.Raw }

func walletVerb() *urfave.Command {
	return &urfave.Command{
		Name: "wallet", Usage: "keys that sign transactions",
		Subcommands: []*urfave.Command{walletNew(), walletList(), walletAddress(), walletSign(), walletBind()},
	}
}

func walletNew() *urfave.Command {
	return &urfave.Command{
		Name: "new", Usage: "take a key from the phrase, or from a keystore file, and print its address",
		Description: "The key is m/44'/60'/0'/0/INDEX of the phrase, which this device holds until it is written down, or of --from-phrase. Give each device its own index: two that " +
			"share one sign different transactions with the same number. It is kept sealed in the home. Who finds the phrase finds the money.",
		Flags: []urfave.Flag{cli.PassphraseFlag(), &urfave.StringFlag{Name: "from-phrase", Usage: "read the words from `FILE|-`"},
			&urfave.UintFlag{Name: "index", Usage: "take the key of `INDEX`"},
			&urfave.StringFlag{Name: "import", Usage: "take the key of a keystore `FILE` of version 3 instead"},
			&urfave.StringFlag{Name: "import-passphrase-file", Usage: "which opens with the first line of `FILE`"}},
		Action: func(c *urfave.Context) error {
			return vault(c, func(v *evm.Vault, keys *keystore.Keys) error {
				index := c.Uint("index")
				k, err := newKey(c, keys, index)
				if err != nil {
					return err
				}
				if err := v.Import(uint32(index), k); err != nil {
					return err
				}
				return cli.Out(c).Print(addressRow{evm.Address(k.Address()), uint32(index)})
			})
		},
	}
}

func newKey(c *urfave.Context, keys *keystore.Keys, index uint) (*wallet.Key, error) {
	if index >= 1<<31 {
		return nil, cli.Usagef("--index: at most %d", 1<<31-1)
	}
	if name := c.String("import"); name != "" {
		return importKey(c, name)
	}
	words, err := phrase(c, keys)
	if err != nil {
		return nil, err
	}
	seed, err := identity.Seed(words, "")
	if err != nil {
		return nil, err
	}
	return wallet.Derive(seed, uint32(index))
}

// phrase is that of --from-phrase, or the one that this device still holds.
func phrase(c *urfave.Context, keys *keystore.Keys) (string, error) {
	switch name := c.String("from-phrase"); {
	case name != "":
		b, err := readSmall(c, name)
		return string(b), err
	case len(keys.Entropy) == 32:
		return identity.Phrase([32]byte(keys.Entropy)), nil
	}
	return "", fmt.Errorf("this device does not hold the phrase any more; give --from-phrase: %w", wire.ErrNotFound)
}

func importKey(c *urfave.Context, name string) (*wallet.Key, error) {
	b, err := readSmall(c, name)
	if err != nil {
		return nil, err
	}
	pass, err := readSmall(c, c.String("import-passphrase-file"))
	if err != nil {
		return nil, err
	}
	return wallet.DecodeV3(b, firstLine(pass))
}

func firstLine(b []byte) []byte {
	for i, x := range b {
		if x == '\n' || x == '\r' {
			return b[:i]
		}
	}
	return b
}

func readSmall(c *urfave.Context, name string) ([]byte, error) {
	if name == "" {
		return nil, cli.Usagef("name the file with the pass-phrase of the key: --import-passphrase-file")
	}
	in, err := cli.Input(c, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	return io.ReadAll(io.LimitReader(in, 16<<10))
}

func walletList() *urfave.Command {
	return &urfave.Command{
		Name: "list", Usage: "print the addresses of the wallet", Flags: []urfave.Flag{cli.PassphraseFlag()},
		Action: func(c *urfave.Context) error {
			return vault(c, func(v *evm.Vault, _ *keystore.Keys) error {
				for _, o := range v.Addresses() {
					if err := cli.Out(c).Print(addressRow{o.Address, o.Index}); err != nil {
						return err
					}
				}
				return nil
			})
		},
	}
}

func walletAddress() *urfave.Command {
	return &urfave.Command{
		Name: "address", Usage: "print the first address of the wallet", Flags: []urfave.Flag{cli.PassphraseFlag()},
		Action: func(c *urfave.Context) error {
			return vault(c, func(v *evm.Vault, _ *keystore.Keys) error {
				k, err := v.Key(nil)
				if err != nil {
					return err
				}
				return cli.Out(c).Print(addressRow{evm.Address(k.Address()), v.Addresses()[0].Index})
			})
		},
	}
}

// payFlags say what to pay.
func payFlags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{cli.PassphraseFlag(),
		&urfave.StringFlag{Name: "to", Usage: "pay or call `ADDRESS`"},
		&urfave.StringFlag{Name: "value", Value: "0", Usage: "with `WEI`"},
		&urfave.StringFlag{Name: "data", Value: "0x", Usage: "and the bytes `HEX`"},
		&urfave.StringFlag{Name: "sender", Usage: "from `ADDRESS` of the wallet", DefaultText: "the first"},
		&urfave.Uint64Flag{Name: "gas", Usage: "with at most so much `GAS`", DefaultText: "estimated"}}, more...)
}

func walletSign() *urfave.Command {
	return &urfave.Command{
		Name: "sign", Usage: "sign a transaction and print it; nobody is asked",
		Flags: payFlags(&urfave.Uint64Flag{Name: "nonce", Usage: "the account has sent `N` before"},
			&urfave.StringFlag{Name: "max-fee", Usage: "pay at most `WEI` a unit of gas"},
			&urfave.StringFlag{Name: "tip", Value: "1000000000", Usage: "and `WEI` of it to the proposer"}),
		Action: func(c *urfave.Context) error {
			m, err := message(c)
			if err != nil {
				return err
			}
			fee, ok := new(big.Int).SetString(c.String("max-fee"), 10)
			tip, ok2 := new(big.Int).SetString(c.String("tip"), 10)
			if !ok || !ok2 || c.Uint64("gas") == 0 || !c.IsSet("nonce") {
				return cli.Usagef("signing without a network needs --nonce, --gas, --max-fee and --tip")
			}
			return vault(c, func(v *evm.Vault, _ *keystore.Keys) error {
				k, err := v.Key(m.From)
				if err != nil {
					return err
				}
				raw, err := k.Sign(v.Queue.Chain, wallet.Tx{Nonce: c.Uint64("nonce"), To: evm.Geth(m.To), Value: m.Value, Data: m.Data, Gas: c.Uint64("gas"), MaxFee: fee, Tip: tip})
				if err != nil {
					return err
				}
				s, err := wallet.DecodeTx(raw, v.Queue.Chain)
				if err != nil {
					return err
				}
				return cli.Out(c).Print(rawRow{hexOf(raw), evm.Hash(s.Hash), s.String()})
			})
		},
	}
}
