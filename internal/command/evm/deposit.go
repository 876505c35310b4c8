package evm

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/evm/deposit"
	"github.com/pars-network/pars/pkg/evm/queue"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/store/files"
)

const leastPassphrase = 8 // what validator clients and other deposit tools ask for

// depositRow has the names of deposit_data files where it says the same.
type depositRow struct {
	Pubkey      string      `json:"pubkey"`
	Credentials string      `json:"withdrawal_credentials"`
	Amount      string      `json:"amount"` // Gwei
	Signature   string      `json:"signature"`
	MessageRoot string      `json:"deposit_message_root"`
	DataRoot    string      `json:"deposit_data_root"`
	ForkVersion string      `json:"fork_version"`
	Contract    evm.Address `json:"contract"`
	Keystore    string      `json:"keystore"`
	// From and To are the blocks that were proven to hold no deposit of the key; Servers is how many beacon servers say so of all.
	From    uint64 `json:"checked_from"`
	To      uint64 `json:"checked_to"`
	Servers int    `json:"checked_servers"`
	entryRow
}

// Text is the validator's key, the state, hash and id of the transaction, and the file of the key.
func (r depositRow) Text() string {
	hash := "-"
	if r.Hash != nil {
		hash = r.Hash.String()
	}
	return fmt.Sprintf("%s\t%s\t%s\t%s\t%s", r.Pubkey, r.State, hash, r.ID, cli.Escape(r.Keystore))
}

func validatorVerb() *urfave.Command {
	return &urfave.Command{Name: "validator", Usage: "become a validator of the beacon chain", Subcommands: []*urfave.Command{depositVerb()}}
}

func depositVerb() *urfave.Command {
	return &urfave.Command{
		Name: "deposit", Usage: "make a validator's key, and pay its stake to the deposit contract",
		Description: "The key is m/12381/3600/INDEX/0/0 of the phrase. It is written as a keystore (EIP-2335) for a validator client, which does the validating; never give one key to two of them. " +
			"The stake comes back only to --withdraw-to. Before anything is paid the deposit is checked and run on proven state, and it is refused when the key has one already: in the queue, in the last --look-back blocks, " +
			"or by the word of a beacon server, since no proof covers all older blocks. The transaction goes the way of send: see queue.",
		Flags: chainFlags(cli.PassphraseFlag(),
			&urfave.StringFlag{Name: "withdraw-to", Usage: "pay rewards and the stake back to `ADDRESS`, for ever"},
			&urfave.UintFlag{Name: "index", Usage: "take the validator's key of `INDEX`"},
			&urfave.Uint64Flag{Name: "amount", Value: 32, Usage: "stake so much `ETH`; above 32 only with --compounding"},
			&urfave.BoolFlag{Name: "compounding", Usage: "let rewards add to the stake, up to 2048 ETH (credentials 0x02, from Electra on)"},
			&urfave.StringFlag{Name: "sender", Usage: "pay from `ADDRESS` of the wallet", DefaultText: "the first"},
			&urfave.StringFlag{Name: "from-phrase", Usage: "read the words from `FILE|-`"},
			&urfave.StringFlag{Name: "keystores", Usage: "write the keystore into `DIR`", DefaultText: "evm/validators of the home"},
			&urfave.StringFlag{Name: "keystore-passphrase-file", Usage: "seal it under the first line of `FILE|-`", DefaultText: "asked"},
			&urfave.Uint64Flag{Name: "look-back", Value: 1024, Usage: fmt.Sprintf("look through the events of the last `N` blocks, at most %d", evm.MaxLookBack)},
			&urfave.BoolFlag{Name: "yes", Usage: "do not ask"}),
		Action: func(c *urfave.Context) error {
			to, err := address(c.String("withdraw-to"))
			switch n := c.Uint64("look-back"); {
			case c.String("withdraw-to") == "":
				return cli.Usagef("say who gets the stake back: --withdraw-to ADDRESS")
			case err != nil:
				return err
			case c.Uint("index") >= 1<<31:
				return cli.Usagef("--index: at most %d", 1<<31-1)
			case n < 1 || n > evm.MaxLookBack:
				return cli.Usagef("--look-back: 1 to %d", evm.MaxLookBack)
			case c.Uint64("amount") > deposit.Most/deposit.ETH:
				return cli.Usagef("--amount: at most %d ETH", deposit.Most/deposit.ETH)
			case !c.Bool("yes") && !cli.StdinTerminal(c):
				return cli.Usagef("add --yes: nobody is here to be asked")
			}
			return vault(c, func(v *evm.Vault, keys *keystore.Keys) error { return stake(c, v, keys, to) })
		},
	}
}

// stake makes key and deposit, checks all that can be, and asks before anything is written or paid.
func stake(c *urfave.Context, v *evm.Vault, keys *keystore.Keys, to evm.Address) error {
	k, err := validatorKey(c, keys)
	if err != nil {
		return err
	}
	cl, err := reading(c)
	if err != nil {
		return err
	}
	contract, fork, err := cl.DepositRules()
	if err != nil {
		return err
	}
	d, err := k.Sign(deposit.To(*evm.Geth(&to), c.Bool("compounding")), c.Uint64("amount")*deposit.ETH, fork)
	if err != nil {
		return cli.Usagef("--amount: %v", err)
	}
	payer, err := sender(c, v)
	if err != nil {
		return err
	}
	seen, err := cl.CheckDeposit(c.Context, v.Queue, payer, d, c.Uint64("look-back"))
	if err != nil {
		return err
	}
	if !c.Bool("yes") {
		if err := cli.Confirm(c, fmt.Sprintf("pay %d ETH of %v to the deposit contract %v of chain %d, to be given back to %v alone? type yes", c.Uint64("amount"), payer, contract, v.Queue.Chain, to)); err != nil {
			return err
		}
	}
	file, err := keep(c, k)
	if err != nil {
		return err
	}
	e, err := enqueue(v, payer, contract, d, seen.Gas)
	if err != nil {
		return err
	}
	if err := cl.Pump(c.Context, v); err != nil {
		cli.Warnf(c, "queued; it is sent when the chain can be reached: %v", err)
	}
	m, root := d.MessageRoot(), d.Root()
	return cli.Out(c).Print(depositRow{d.Pubkey.String(), hexOf(d.Credentials[:]), fmt.Sprint(d.Amount), hexOf(d.Signature[:]), hexOf(m[:]), hexOf(root[:]),
		hexOf(fork[:]), contract, file, seen.From, seen.To, seen.Servers, rowOfEntry(e)})
}

func validatorKey(c *urfave.Context, keys *keystore.Keys) (*deposit.Key, error) {
	words, err := phrase(c, keys)
	if err != nil {
		return nil, err
	}
	seed, err := identity.Seed(words, "")
	if err != nil {
		return nil, err
	}
	return deposit.Derive(seed, uint32(c.Uint("index")))
}

func sender(c *urfave.Context, v *evm.Vault) (evm.Address, error) {
	var want *evm.Address
	if s := c.String("sender"); s != "" {
		a, err := address(s)
		if err != nil {
			return a, err
		}
		want = &a
	}
	k, err := v.Key(want)
	if err != nil {
		return evm.Address{}, err
	}
	return evm.Address(k.Address()), nil
}

// enqueue puts the payment into the queue and makes that durable.
func enqueue(v *evm.Vault, from, contract evm.Address, d *deposit.Data, gas uint64) (*queue.Entry, error) {
	e := &queue.Entry{From: *evm.Geth(&from), To: evm.Geth(&contract), Data: d.Call(), Gas: gas + gas/5, // the next block is another
		Value: new(big.Int).Mul(new(big.Int).SetUint64(d.Amount), big.NewInt(deposit.Gwei))}
	rand.Read(e.ID[:])
	if err := v.Queue.Add(e); err != nil {
		return nil, err
	}
	return e, v.Save()
}

// keep writes the keystore and reads it back: a stake whose key cannot be opened is lost. One that is there already
// must be of the same key and pass-phrase.
func keep(c *urfave.Context, k *deposit.Key) (string, error) {
	dir, err := keystores(c)
	if err != nil {
		return "", err
	}
	pass, err := keystorePass(c)
	if err != nil {
		return "", err
	}
	pub := k.Pubkey()
	name := fmt.Sprintf("keystore-%s-%s.json", strings.ReplaceAll(k.Path(), "/", "_"), hex.EncodeToString(pub[:4]))
	disk, path := files.OS(dir), filepath.Join(dir, name)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		b, err := k.Export(pass, deposit.ScryptN, rand.Reader)
		if err != nil {
			return "", err
		}
		if err := files.WriteAtomic(disk, name, b); err != nil {
			return "", err
		}
	}
	b, err := disk.ReadFile(name)
	if err != nil {
		return "", err
	}
	f, err := deposit.DecodeKeystore(b)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	got, err := f.Open(pass)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	if got.Pubkey() != pub {
		return "", fmt.Errorf("%s holds the key of another validator; move it away", path)
	}
	return path, c.Context.Err()
}

func keystores(c *urfave.Context) (string, error) {
	dir := c.String("keystores")
	if dir == "" {
		home, err := cli.Home(c)
		if err != nil {
			return "", err
		}
		dir = filepath.Join(home, "evm", "validators")
	}
	return dir, os.MkdirAll(dir, 0o700)
}

func keystorePass(c *urfave.Context) (pass []byte, err error) {
	name := c.String("keystore-passphrase-file")
	switch {
	case name != "":
		if pass, err = readSmall(c, name); err == nil {
			pass = firstLine(pass)
		}
	case cli.StdinTerminal(c):
		pass, err = cli.AskSecret(c, "a pass-phrase for the validator's keystore", true)
	default:
		return nil, cli.Usagef("nobody is here to be asked for the pass-phrase of the keystore: --keystore-passphrase-file")
	}
	if err == nil && len(pass) < leastPassphrase {
		err = cli.Usagef("the pass-phrase of a keystore has at least %d bytes", leastPassphrase)
	}
	return pass, err
}
