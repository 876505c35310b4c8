package bootstrap

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/profile"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// line is an answer of one column.
type line struct {
	key, value string
}

// Text is the value.
func (l line) Text() string { return l.value }

// MarshalJSON is an object of one field.
func (l line) MarshalJSON() ([]byte, error) {
	return fmt.Appendf(nil, "{%q:%q}", l.key, l.value), nil
}

func keyVerb() *urfave.Command {
	return &urfave.Command{Name: "key", Usage: "make and replace the keys that sign lists", Subcommands: []*urfave.Command{
		{
			Name: "new", Usage: "make a key and print its public half",
			Description: "The file holds 64 hexadecimal digits and is the key: keep it off line. An existing file is not overwritten.",
			Flags:       []urfave.Flag{&urfave.StringFlag{Name: "o", Usage: "write the key to `FILE`"}},
			Action:      newKey,
		},
		{
			Name: "set", Usage: "make a trust set of public keys, for a profile", ArgsUsage: "PUBLIC_KEY…",
			Flags: []urfave.Flag{&urfave.IntFlag{Name: "need", Value: 0, Usage: "require `K` signatures, more than half (default: the least that is more than half)"},
				&urfave.UintFlag{Name: "epoch", Value: 1, Usage: "the number of the set; one more than that of the set it replaces"}},
			Action: newSet,
		},
		{
			Name: "rotate", Usage: "sign the record that replaces a trust set by another", ArgsUsage: "[RECORD]",
			Description: "Holders of the old set and of the new one sign in turn: the first names both sets, the next ones the record so far. It is good with enough " +
				"signatures of both.",
			Flags: []urfave.Flag{&urfave.StringFlag{Name: "old", Usage: "the trust set that is replaced (default: that of the profile)"}, &urfave.StringFlag{Name: "to", Usage: "the trust set that follows"},
				&urfave.StringSliceFlag{Name: "key", Usage: "sign with the key in `FILE` (repeat for more)"}, cli.OutputFlag()},
			Action: rotate,
		},
	}}
}

func newKey(c *urfave.Context) error {
	name := c.String("o")
	if name == "" || name == "-" {
		return cli.Usagef("-o FILE is needed: a key is not printed")
	}
	var seed [32]byte
	rand.Read(seed[:])
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(f, "%x\n", seed)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	pub := sig.FromSeed(seed).Public()
	return cli.Out(c).Print(line{"public_key", hex.EncodeToString(pub[:])})
}

// readKey reads what newKey wrote. The error says nothing of the content.
func readKey(name string) (sig.Private, error) {
	info, err := os.Stat(name)
	if err != nil {
		return sig.Private{}, err
	}
	if info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
		return sig.Private{}, fmt.Errorf("%s can be read by others; chmod 600 it", name)
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return sig.Private{}, err
	}
	var seed [32]byte
	if n, err := hex.Decode(seed[:], bytes.TrimSpace(b[:min(len(b), 66)])); err != nil || n != len(seed) {
		return sig.Private{}, fmt.Errorf("%s is no key: 64 hexadecimal digits", name)
	}
	return sig.FromSeed(seed), nil
}

func readKeys(c *urfave.Context) ([]sig.Private, error) {
	var out []sig.Private
	for _, name := range c.StringSlice("key") {
		k, err := readKey(name)
		if err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	if len(out) == 0 {
		return nil, cli.Usagef("--key FILE is needed")
	}
	return out, nil
}

func newSet(c *urfave.Context) error {
	p, err := network(c)
	if err != nil {
		return err
	}
	s := &list.Set{Network: list.NetworkTag(p.NetID()), Epoch: uint32(c.Uint("epoch")), K: c.Int("need")}
	for _, text := range cli.Args(c) {
		b, err := hex.DecodeString(text)
		if err != nil || len(b) != 32 {
			return cli.Usagef("%q is no public key: 64 hexadecimal digits", text)
		}
		s.Keys = append(s.Keys, sig.Public(b))
	}
	if s.K == 0 {
		s.K = len(s.Keys)/2 + 1
	}
	slices.SortFunc(s.Keys, func(a, b sig.Public) int { return bytes.Compare(a[:], b[:]) })
	if _, err := list.DecodeSet(s.Encode()); err != nil {
		return cli.Usagef("%v", err)
	}
	return cli.Out(c).Print(line{"trust_set", base64.RawURLEncoding.EncodeToString(s.Encode())})
}

func parseSet(text string) (*list.Set, error) {
	b, err := base64.RawURLEncoding.DecodeString(strings.TrimSpace(text))
	if err != nil {
		return nil, wire.Invalid("trust set: %v", err)
	}
	return list.DecodeSet(b)
}

// profileSets are the trust sets of the profile.
func profileSets(p *profile.Profile) ([]*list.Set, error) {
	var out []*list.Set
	for _, text := range p.Bootstrap.TrustSets {
		s, err := parseSet(text)
		if err != nil {
			return nil, fmt.Errorf("profile %s: %w", p.Name, err)
		}
		out = append(out, s)
	}
	return out, nil
}

func rotate(c *urfave.Context) error {
	p, err := network(c)
	if err != nil {
		return err
	}
	keys, err := readKeys(c)
	if err != nil {
		return err
	}
	old, err := oldSet(c, p)
	if err != nil {
		return err
	}
	r := &list.Rotation{Old: old.Tag(), Issued: uint64(time.Now().Unix())}
	if args := cli.Args(c); len(args) == 1 {
		b, err := os.ReadFile(args[0])
		if err != nil {
			return err
		}
		if r, err = list.DecodeRotation(b); err != nil {
			return err
		}
	} else if r.New, err = parseSet(c.String("to")); err != nil {
		return cli.Usagef("--to SET is needed, or a record that is to be signed: %v", err)
	}
	for _, k := range keys {
		if err := r.SignWith(old, k); err != nil {
			return err
		}
	}
	if err := r.Verify(old); err != nil {
		cli.Warnf(c, "not enough yet: %v", err)
	}
	return cli.Output(c, func(w io.Writer) error { _, err := w.Write(r.Encode()); return err })
}

func oldSet(c *urfave.Context, p *profile.Profile) (*list.Set, error) {
	if text := c.String("old"); text != "" {
		s, err := parseSet(text)
		if err != nil {
			return nil, cli.Usagef("%v", err)
		}
		return s, nil
	}
	sets, err := profileSets(p)
	if err == nil && len(sets) != 1 {
		err = cli.Usagef("the profile has %d trust sets; name one with --old", len(sets))
	}
	if err != nil {
		return nil, err
	}
	return sets[0], nil
}
