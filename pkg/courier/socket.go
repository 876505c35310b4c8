package courier

import (
	"context"
	"io"
	"net/http"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/socket"
	"github.com/pars-network/pars/pkg/store"
)

// prefix is that of the calls on the node's socket.
const prefix = "bundle/"

// codes are the sentinels that callers decide on.
func codes() socket.Codes {
	return socket.Codes{{Name: "limit", Err: bundle.ErrLimit}, {Name: "parts", Err: bundle.ErrParts}, {Name: "full", Err: store.ErrFull}}
}

// Handler serves a on the socket of a node, for every path below /v1/bundle/.
func Handler(a API) http.Handler {
	mux := http.NewServeMux()
	handle := func(call string, h http.Handler) { mux.Handle("POST /v1/"+prefix+call, h) }
	handle("plan", socket.List(codes(), a.Plan))
	handle("unpack", socket.List(codes(), func(ctx context.Context, q FileQuery, emit func(Result) error) (*wireVerdict, error) {
		return onWire(a.Unpack(ctx, q, emit))
	}))
	handle("look", socket.List(codes(), func(ctx context.Context, q FileQuery, emit func(Result) error) (*wireVerdict, error) {
		return onWire(a.Look(ctx, q, emit))
	}))
	handle("have", socket.One(codes(), a.Have))
	handle("pack", socket.Give(codes(), a.Pack))
	return mux
}

// client asks a running node.
type client struct{ *socket.Client }

// Dial returns the API of the node that runs on a home; nil when none answers.
func Dial(ctx context.Context, dir string) API {
	if c := socket.Dial(ctx, dir, codes()); c != nil {
		return client{c}
	}
	return nil
}

func (c client) Pack(ctx context.Context, q PackQuery, w io.Writer) (Packed, error) {
	return socket.Fetch[Packed](ctx, c.Client, prefix+"pack", q, w)
}

func (c client) Plan(ctx context.Context, q PackQuery, emit func(Planned) error) (Packed, error) {
	return socket.Ask[Planned, Packed](ctx, c.Client, prefix+"plan", q, emit)
}

func (c client) Unpack(ctx context.Context, q FileQuery, emit func(Result) error) (*Verdict, error) {
	v, err := socket.Ask[Result, *wireVerdict](ctx, c.Client, prefix+"unpack", q, emit)
	return v.verdict(), err
}

func (c client) Look(ctx context.Context, q FileQuery, emit func(Result) error) (*Verdict, error) {
	v, err := socket.Ask[Result, *wireVerdict](ctx, c.Client, prefix+"look", q, emit)
	return v.verdict(), err
}

func (c client) Have(ctx context.Context, q HaveQuery) ([]byte, error) {
	return socket.AskOne[[]byte](ctx, c.Client, prefix+"have", q)
}

// wireVerdict is a verdict on the socket, field by field: a Report prints itself as JSON for people.
type wireVerdict struct {
	Report  plainReport
	Bytes   int64
	End     int64
	Known   bool
	New     int
	Refused int
	Kept    int
	Proven  int
	Unsure  int
	Courier []byte
}

type plainReport bundle.Report

func onWire(v *Verdict, err error) (*wireVerdict, error) {
	if v == nil {
		return nil, err
	}
	return &wireVerdict{plainReport(v.Report), v.Bytes, v.End, v.Known, v.New, v.Refused, v.Kept, v.Proven, v.Unsure, v.Courier}, err
}

func (w *wireVerdict) verdict() *Verdict {
	if w == nil {
		return nil
	}
	return &Verdict{bundle.Report(w.Report), w.Bytes, w.End, w.Known, w.New, w.Refused, w.Kept, w.Proven, w.Unsure, w.Courier}
}
