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
			"HTTP and web sockets on one port; eth_subscribe knows newHeads and logs. Pages of other sites are refused.",
		Flags: chainFlags(&urfave.StringFlag{Name: "http", Value: "127.0.0.1:8545", Usage: "listen at `ADDR`, which must be of this machine"}),
		Action: func(c *urfave.Context) error {
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
			s := &serve.Server{Client: cl, Listen: l, Version: "pars-evm/" + version.String()}
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
