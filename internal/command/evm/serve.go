package evm

import (
	"net"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/internal/version"
	"github.com/pars-network/pars/pkg/evm/serve"
)

type readyRow struct {
	Type string `json:"type"`
	Addr string `json:"addr"`
	headRow
}

// Text is the line that says that the server answers.
func (r readyRow) Text() string { return "ready\thttp://" + r.Addr + "\t" + r.headRow.Text() }

func serveVerb() *urfave.Command {
	return &urfave.Command{
		Name: "serve", Usage: "offer the verified chain as JSON-RPC on loopback until stopped",
		Description: "Each answer is proven here or refused: code -32010 does not verify, -32011 cannot be proven by design, -32012 not synced, -32013 another chain. " +
			"HTTP and web sockets on one port; eth_subscribe knows newHeads and logs. Pages of other sites are refused. " +
			"With --wallet programs may ask for addresses, signatures and payments (eth_accounts, personal_sign, eth_signTypedData_v4, eth_sendTransaction): each is shown here and waits for your word. " +
			"Payments go through the queue, which sets number and fees; queue run brings them to an end.",
		Flags: chainFlags(cli.PassphraseFlag(), &urfave.StringFlag{Name: "http", Value: "127.0.0.1:8545", Usage: "listen at `ADDR`, which must be of this machine"},
			&urfave.BoolFlag{Name: "wallet", Usage: "sign for programs what you allow at this terminal"}),
		Action: func(c *urfave.Context) error {
			w, forget, err := signer(c)
			if err != nil {
				return err
			}
			defer forget()
			cl, err := open(c)
			if err != nil {
				return err
			}
			if err := cl.Sync(c.Context); err != nil {
				return err
			}
			l, err := net.Listen("tcp", c.String("http"))
			if err != nil {
				return err
			}
			s := &serve.Server{Client: cl, Listen: l, Version: "pars-evm/" + version.String(), Wallet: w}
			if err := s.Start(); err != nil {
				l.Close()
				return cli.Usagef("--http: %v", err)
			}
			row, _ := rowOf(cl)
			if err := cli.Out(c).Print(readyRow{"ready", l.Addr().String(), row}); err != nil {
				return firstOf(err, s.Close())
			}
			select {
			case <-c.Context.Done():
			case <-s.Done():
			}
			return s.Close()
		},
	}
}

// signer opens the wallet for the time of serving; nil without --wallet.
func signer(c *urfave.Context) (*serve.Wallet, func(), error) {
	if !c.Bool("wallet") {
		return nil, func() {}, nil
	}
	if !cli.StdinTerminal(c) {
		return nil, nil, cli.Usagef("--wallet: nobody is here to be asked; run it at a terminal")
	}
	keys, open, err := unlock(c)
	if err != nil {
		return nil, nil, err
	}
	v, err := open()
	if err != nil {
		keys.Forget()
		return nil, nil, err
	}
	_, err = v.Key(nil)
	v.Close()
	if err != nil {
		keys.Forget()
		return nil, nil, err
	}
	return &serve.Wallet{Open: open, Ask: newPerson(c).ask}, keys.Forget, nil
}
