package courier

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"

	"github.com/pars-network/pars/pkg/bundle"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

// The calls stand below /v1/bundle/ on the node's socket: POST with a JSON query. Pack answers bytes, and what they are
// in a trailer; the others JSON lines {"item": …}, the last one {"end": …} or {"error": …, "code": …}.
const (
	prefixPath  = "/v1/bundle/"
	packTrailer = "Pars-Packed"
)

// line is one line of an answer.
type line struct {
	Item  json.RawMessage `json:"item,omitempty"`
	End   json.RawMessage `json:"end,omitempty"`
	Error string          `json:"error,omitempty"`
	Code  string          `json:"code,omitempty"`
}

// codes carries the sentinels that callers decide on across the socket.
func codes() []struct {
	code string
	err  error
} {
	return []struct {
		code string
		err  error
	}{
		{"limit", bundle.ErrLimit}, {"parts", bundle.ErrParts}, {"verify", sig.ErrVerify}, {"full", store.ErrFull}, {"not_found", store.ErrNotFound},
		{"busy", store.ErrBusy}, {"corrupt", store.ErrCorrupt}, {"invalid", wire.ErrInvalid}, {"cancelled", context.Canceled},
		{"timeout", context.DeadlineExceeded}, {"no_file", os.ErrNotExist},
	}
}

type remoteError struct {
	text string
	is   error
}

func (e *remoteError) Error() string { return e.text }
func (e *remoteError) Unwrap() error { return e.is }

func errorLine(err error) line {
	l := line{Error: err.Error()}
	for _, c := range codes() {
		if errors.Is(err, c.err) {
			l.Code = c.code
			break
		}
	}
	return l
}

func (l line) err() error {
	if l.Error == "" {
		return nil
	}
	e := &remoteError{text: l.Error}
	for _, c := range codes() {
		if c.code == l.Code {
			e.is = c.err
		}
	}
	return e
}

// maxQuery bounds a query: have-digests and names.
const maxQuery = 4 << 20

func query(w http.ResponseWriter, r *http.Request, q any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuery)).Decode(q); err != nil {
		return wire.Invalid("query: %v", err)
	}
	return nil
}

// listing serves a call that emits items and ends with one answer.
func listing[Q, I, A any](f func(context.Context, Q, func(I) error) (A, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		enc := json.NewEncoder(w)
		send := func(v any) (json.RawMessage, error) { b, err := json.Marshal(v); return b, err }
		var q Q
		err := query(w, r, &q)
		var end A
		if err == nil {
			end, err = f(r.Context(), q, func(i I) error {
				b, err := send(i)
				if err == nil {
					err = enc.Encode(line{Item: b})
				}
				return err
			})
		}
		last := line{}
		if err != nil {
			last = errorLine(err)
		}
		if b, merr := send(end); merr == nil {
			last.End = b
		}
		enc.Encode(last)
	}
}

// Handler serves a on the socket of a node, for every path below /v1/bundle/.
func Handler(a API) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST "+prefixPath+"plan", listing(a.Plan))
	mux.Handle("POST "+prefixPath+"unpack", listing(func(ctx context.Context, q FileQuery, emit func(Result) error) (*wireVerdict, error) {
		return onWire(a.Unpack(ctx, q, emit))
	}))
	mux.Handle("POST "+prefixPath+"look", listing(func(ctx context.Context, q FileQuery, emit func(Result) error) (*wireVerdict, error) {
		return onWire(a.Look(ctx, q, emit))
	}))
	mux.Handle("POST "+prefixPath+"have", listing(func(ctx context.Context, q HaveQuery, _ func(struct{}) error) ([]byte, error) {
		return a.Have(ctx, q)
	}))
	mux.HandleFunc("POST "+prefixPath+"pack", func(w http.ResponseWriter, r *http.Request) {
		var q PackQuery
		err := query(w, r, &q)
		w.Header().Set("Trailer", packTrailer)
		out := &lazy{w: w}
		var p Packed
		if err == nil {
			p, err = a.Pack(r.Context(), q, out)
		}
		switch b, merr := json.Marshal(p); {
		case err != nil && out.began:
			panic(http.ErrAbortHandler)
		case err != nil:
			w.WriteHeader(http.StatusConflict)
			json.NewEncoder(w).Encode(errorLine(err))
		case merr == nil:
			w.Header().Set(packTrailer, string(b))
		}
	})
	return mux
}

// lazy tells whether anything was written.
type lazy struct {
	w     io.Writer
	began bool
}

func (l *lazy) Write(p []byte) (int, error) {
	l.began = l.began || len(p) > 0
	return l.w.Write(p)
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
	Courier []byte
}

type plainReport bundle.Report

func onWire(v *Verdict, err error) (*wireVerdict, error) {
	if v == nil {
		return nil, err
	}
	return &wireVerdict{plainReport(v.Report), v.Bytes, v.End, v.Known, v.New, v.Refused, v.Kept, v.Courier}, err
}

func (w *wireVerdict) verdict() *Verdict {
	if w == nil {
		return nil
	}
	return &Verdict{bundle.Report(w.Report), w.Bytes, w.End, w.Known, w.New, w.Refused, w.Kept, w.Courier}
}
