// Command alone links the light client and all it can read, and nothing else: the bench weighs it.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/profile"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("usage: alone PROFILE ROOT ADDRESS TX")
	}
	p, err := profile.Load(args[0], os.ReadFile)
	if err != nil {
		return err
	}
	root, err := evm.ParseHash(args[1])
	if err != nil {
		return err
	}
	to, err := evm.ParseAddress(args[2])
	if err != nil {
		return err
	}
	tx, err := evm.ParseHash(args[3])
	if err != nil {
		return err
	}
	c := &evm.Client{Profile: p, Checkpoint: root, Now: time.Now}
	if err := c.Open(); err != nil {
		return err
	}
	h := evm.NewHTTP()
	for _, u := range p.Chain.Beacon {
		c.Sources = append(c.Sources, &evm.Beacon{URL: u, HTTP: h, Spec: c.Spec()})
	}
	for _, u := range p.Chain.RPC {
		c.RPCs = append(c.RPCs, &evm.RPC{URL: u, HTTP: h})
	}
	if err := c.Sync(ctx); err != nil {
		return err
	}
	acc, _, err := c.Account(ctx, to, "latest")
	if err != nil {
		return err
	}
	call, err := c.Call(ctx, to, nil, "latest")
	if err != nil {
		return err
	}
	receipt, _, err := c.Receipt(ctx, tx)
	if err != nil {
		return err
	}
	logs, _, err := c.Logs(ctx, "latest", "latest", evm.LogFilter{})
	fmt.Println(acc, call, receipt, logs)
	return err
}
