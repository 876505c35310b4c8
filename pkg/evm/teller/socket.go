package teller

import (
	"context"
	"net/http"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/socket"
)

// prefix is that of the calls on the node's socket.
const prefix = "evm/"

// codes are the sentinels that callers decide on.
func codes() socket.Codes {
	return socket.Codes{{Name: "checkpoint", Err: evm.ErrNoCheckpoint}, {Name: "conflict", Err: evm.ErrConflict}, {Name: "unprovable", Err: evm.ErrUnprovable}}
}

// Handler serves a on the socket of a node, for every path below /v1/evm/.
func Handler(a API) http.Handler {
	mux := http.NewServeMux()
	handle := func(call string, h http.Handler) { mux.Handle("POST /v1/"+prefix+call, h) }
	handle("chain", socket.One(codes(), func(ctx context.Context, _ struct{}) (Chain, error) { return a.Chain(ctx) }))
	handle("ask", socket.One(codes(), a.Ask))
	handle("queue", socket.List(codes(), func(ctx context.Context, _ struct{}, emit func(Entry) error) (struct{}, error) {
		return struct{}{}, a.Queue(ctx, emit)
	}))
	handle("send", socket.One(codes(), a.Send))
	handle("edit", socket.One(codes(), a.Edit))
	handle("run", socket.One(codes(), func(ctx context.Context, _ struct{}) (Done, error) { return a.Run(ctx) }))
	return mux
}

type client struct{ *socket.Client }

// Dial returns the API of the node that runs on a home and follows a chain; nil when there is none.
func Dial(ctx context.Context, dir string) (API, Chain) {
	c := socket.Dial(ctx, dir, codes())
	if c == nil {
		return nil, Chain{}
	}
	a := client{c}
	chain, err := a.Chain(ctx)
	if err != nil {
		return nil, Chain{}
	}
	return a, chain
}

func (c client) Chain(ctx context.Context) (Chain, error) {
	return socket.AskOne[Chain](ctx, c.Client, prefix+"chain", struct{}{})
}

func (c client) Ask(ctx context.Context, q Question) (Answer, error) {
	return socket.AskOne[Answer](ctx, c.Client, prefix+"ask", q)
}

func (c client) Queue(ctx context.Context, emit func(Entry) error) error {
	_, err := socket.Ask[Entry, struct{}](ctx, c.Client, prefix+"queue", struct{}{}, emit)
	return err
}

func (c client) Send(ctx context.Context, q Sending) (Done, error) {
	return socket.AskOne[Done](ctx, c.Client, prefix+"send", q)
}

func (c client) Edit(ctx context.Context, q Editing) (Done, error) {
	return socket.AskOne[Done](ctx, c.Client, prefix+"edit", q)
}

func (c client) Run(ctx context.Context) (Done, error) {
	return socket.AskOne[Done](ctx, c.Client, prefix+"run", struct{}{})
}
