package node

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/evm/teller"
	"github.com/pars-network/pars/pkg/session"
	"github.com/pars-network/pars/pkg/socket"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/vertex"
)

func (n *Node) listenSocket() error {
	l, err := socket.Listen(n.home.cfg.Dir)
	if err != nil {
		return err
	}
	n.socket = &http.Server{Handler: n.attended(handler(&local{h: n.home, n: n})), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return n.ctx }}
	n.wg.Go(func() {
		if err := n.socket.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			n.log.Error("socket ended", "why", err)
		}
	})
	return nil
}

// codes are the sentinels that callers decide on.
func codes() socket.Codes {
	return socket.Codes{
		{Name: "expired", Err: session.ErrExpired}, {Name: "network", Err: session.ErrNetwork}, {Name: "version", Err: session.ErrVersion},
		{Name: "lost", Err: vertex.ErrLost}, {Name: "too_big", Err: envelope.ErrTooBig}, {Name: "full", Err: store.ErrFull},
	}
}

type nothing struct{}

// call serves a function that takes a query and emits answers.
func call[Q, A any](f func(context.Context, Q, func(A) error) error) http.Handler {
	return socket.List(codes(), func(ctx context.Context, q Q, emit func(A) error) (nothing, error) { return nothing{}, f(ctx, q, emit) })
}

// every is call without a query.
func every[A any](f func(context.Context, func(A) error) error) http.Handler {
	return call(func(ctx context.Context, _ nothing, emit func(A) error) error { return f(ctx, emit) })
}

// one serves a function with a single answer.
func one[Q, A any](f func(context.Context, Q) (A, error)) http.Handler { return socket.One(codes(), f) }

// get is one without a query.
func get[A any](f func(context.Context) (A, error)) http.Handler {
	return one(func(ctx context.Context, _ nothing) (A, error) { return f(ctx) })
}

// bytesOut serves a function that writes bytes.
func bytesOut[Q any](f func(context.Context, Q, io.Writer) error) http.Handler {
	return socket.Give(codes(), func(ctx context.Context, q Q, w io.Writer) (nothing, error) { return nothing{}, f(ctx, q, w) })
}

func handler(l *local) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/id", get(l.ID))
	mux.Handle("POST /v1/status", get(l.Status))
	mux.Handle("POST /v1/peers", every(l.Peers))
	mux.Handle("POST /v1/sessions", every(l.SessionList))
	mux.Handle("POST /v1/invite", one(l.Invite))
	mux.Handle("POST /v1/join", one(l.Join))
	mux.Handle("POST /v1/send", one(l.Send))
	mux.Handle("POST /v1/read", call(l.Read))
	mux.Handle("POST /v1/members", call(l.Members))
	mux.Handle("POST /v1/announce", one(l.Announce))
	mux.Handle("POST /v1/announce-role", one(l.AnnounceRole))
	mux.Handle("POST /v1/find-peers", call(l.FindPeers))
	mux.Handle("POST /v1/heads", call(l.Heads))
	mux.Handle("POST /v1/log", call(l.Log))
	mux.Handle("POST /v1/cat", one(l.Cat))
	mux.Handle("POST /v1/check", one(l.Check))
	mux.Handle("POST /v1/card", get(l.OwnCard))
	mux.Handle("POST /v1/fetch-card", one(l.FetchCard))
	mux.Handle("POST /v1/cards", call(l.Cards))
	mux.Handle("POST /v1/codes", every(l.Codes))
	mux.Handle("POST /v1/new-code", get(l.NewCode))
	mux.Handle("POST /v1/draw", bytesOut(l.Draw))
	mux.Handle("POST /v1/stop", one(l.stopCall))
	mux.Handle("POST /v1/export", bytesOut(l.Export))
	mux.Handle("POST /v1/bundle/", l.h.serveBundles())
	mux.Handle("POST /v1/evm/", teller.Handler(chainDesk{l.n}))
	mux.Handle("POST /v1/import", socket.Take(codes(), func(ctx context.Context, r io.Reader, emit func(Imported) error) (nothing, error) {
		return nothing{}, l.Import(ctx, r, emit)
	}))
	return mux
}
