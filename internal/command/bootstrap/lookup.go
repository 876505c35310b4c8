package bootstrap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/exchange"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

type verdictRow struct {
	Verdict string  `json:"verdict"`
	Rcode   string  `json:"rcode"`
	Why     string  `json:"why,omitempty"`
	Clock   bool    `json:"clock,omitempty"`
	Server  string  `json:"server"`
	TTL     int     `json:"ttl"`
	Queries int     `json:"queries"`
	Checks  int     `json:"signatures"`
	MS      float64 `json:"ms"`
}

// Text is the verdict, and why where it is not SECURE.
func (r verdictRow) Text() string {
	switch {
	case r.Why != "":
		return r.Verdict + "\t" + r.Why
	case r.Rcode != "NOERROR":
		return r.Verdict + "\t" + r.Rcode
	}
	return r.Verdict
}

func lookupVerb() *urfave.Command {
	return &urfave.Command{
		Name: "lookup", Usage: "resolve a name and judge the answer by DNSSEC", ArgsUsage: "NAME TYPE",
		Description: "Prints the records and then SECURE, INSECURE, BOGUS or INDETERMINATE. The verdict is our own, from the root keys down, whatever the server " +
			"says of itself. Exit 6 when BOGUS, 4 when there is no such record.",
		Flags:  askFlags(),
		Action: lookupAction,
	}
}

func lookupAction(c *urfave.Context) error {
	typ, err := dnssec.ParseType(cli.Args(c)[1])
	if err != nil {
		return cli.Usagef("%v", err)
	}
	start := time.Now()
	a, r, server, err := ask(c, cli.Args(c)[0], typ)
	if err != nil {
		return err
	}
	defer r.close()
	for _, line := range a.Lines() {
		if err := cli.Out(c).Print(line); err != nil {
			return err
		}
	}
	row := verdictRow{Verdict: a.Verdict.String(), Rcode: dnssec.RcodeName(a.Rcode), Why: a.Why, Clock: a.Clock, Server: server, TTL: int(a.TTL.Seconds()),
		Queries: a.Queries, Checks: a.Checks, MS: float64(time.Since(start).Microseconds()) / 1000}
	if err := cli.Out(c).Print(row); err != nil {
		return err
	}
	return verdictError(a, cli.Args(c)[0])
}

// verdictError is nil of an answer that has records and may be used.
func verdictError(a *dnssec.Answer, name string) error {
	switch {
	case a.Verdict == dnssec.Bogus:
		return fmt.Errorf("%s is bogus: %s: %w", name, a.Why, sig.ErrVerify)
	case a.Verdict == dnssec.Indeterminate && a.Timeout:
		return fmt.Errorf("%s: %s: %w", name, a.Why, cli.ErrTimeout)
	case a.Verdict == dnssec.Indeterminate:
		return fmt.Errorf("%s: %s", name, a.Why)
	case len(a.Records) == 0:
		return fmt.Errorf("%s has no such record: %w", name, wire.ErrNotFound)
	}
	return nil
}

// asked is a resolver and the servers that must be closed after it.
type asked struct {
	*dnssec.Resolver
	list []*exchange.Client
}

func (a asked) close() { closeAll(a.list) }

// ask tries one server after another until one gives an answer that can be judged.
func ask(c *urfave.Context, name string, typ uint16) (a *dnssec.Answer, r asked, server string, err error) {
	p, err := network(c)
	if err != nil {
		return nil, r, "", err
	}
	keys, err := anchors(c, p)
	if err != nil {
		return nil, r, "", err
	}
	if r.list, err = clients(c, keys); err != nil {
		return nil, r, "", err
	}
	for _, s := range r.list {
		r.Resolver = &dnssec.Resolver{Server: s, Anchors: keys, Now: time.Now}
		a, err = r.Lookup(c.Context, name, typ)
		if err != nil {
			r.close()
			return nil, r, "", cli.Usagef("%v", err)
		}
		server = s.Server().String()
		if a.Verdict != dnssec.Indeterminate {
			break
		}
		cli.Verbosef(c, "%s: %s", server, a.Why)
	}
	if err := c.Context.Err(); err != nil && errors.Is(err, context.Canceled) {
		r.close()
		return nil, r, "", err
	}
	return a, r, server, nil
}

func proveVerb() *urfave.Command {
	return &urfave.Command{
		Name: "prove", Usage: "write what proves a record, to be verified without a network", ArgsUsage: "NAME TYPE",
		Description: "The file holds the record, its signature, and the keys and signatures up to the root. It is good until its shortest signature ends. With " +
			"--rfc9102 it is the body of the TLS extension dnssec_chain.",
		Flags: askFlags(cli.OutputFlag(), &urfave.BoolFlag{Name: "rfc9102", Usage: "write the form of RFC 9102"}),
		Action: func(c *urfave.Context) error {
			typ, err := dnssec.ParseType(cli.Args(c)[1])
			if err != nil {
				return cli.Usagef("%v", err)
			}
			a, r, _, err := ask(c, cli.Args(c)[0], typ)
			if err != nil {
				return err
			}
			defer r.close()
			if err := verdictError(a, cli.Args(c)[0]); err != nil {
				return err
			}
			chain, err := r.Prove(a, cli.Args(c)[0], typ)
			if err != nil {
				return fmt.Errorf("no chain: %v", err)
			}
			b, err := chain.Encode()
			if c.Bool("rfc9102") {
				b, err = chain.RFC9102(24)
			}
			if err != nil {
				return err
			}
			return cli.Output(c, func(w io.Writer) error { _, err := w.Write(b); return err })
		},
	}
}
