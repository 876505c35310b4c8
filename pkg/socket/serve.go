package socket

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/pars-network/pars/pkg/wire"
)

// maxQuery bounds a query: names and have-digests.
const maxQuery = 4 << 20

// trailer carries the end of an answer in bytes.
const trailer = "Pars-End"

func query(w http.ResponseWriter, r *http.Request, q any) error {
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxQuery)).Decode(q); err != nil && err != io.EOF {
		return wire.Invalid("query: %v", err)
	}
	return nil
}

// answer writes items, each flushed so that a follower sees it at once, and the end.
func answer[I, E any](w http.ResponseWriter, codes Codes, f func(emit func(I) error) (E, error)) {
	enc, out := json.NewEncoder(w), http.NewResponseController(w)
	end, err := f(func(i I) error {
		b, err := json.Marshal(i)
		if err == nil {
			err = enc.Encode(line{Item: b})
		}
		return errors.Join(err, out.Flush())
	})
	enc.Encode(codes.last(end, err))
}

// List serves a call that emits items and ends with one value.
func List[Q, I, E any](codes Codes, f func(context.Context, Q, func(I) error) (E, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(w, codes, func(emit func(I) error) (end E, err error) {
			var q Q
			if err := query(w, r, &q); err != nil {
				return end, err
			}
			return f(r.Context(), q, emit)
		})
	})
}

// One serves a call with one answer.
func One[Q, E any](codes Codes, f func(context.Context, Q) (E, error)) http.Handler {
	return List(codes, func(ctx context.Context, q Q, _ func(struct{}) error) (E, error) { return f(ctx, q) })
}

// Take serves a call that reads bytes and emits items while it does.
func Take[I, E any](codes Codes, f func(context.Context, io.Reader, func(I) error) (E, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.NewResponseController(w).EnableFullDuplex()
		answer(w, codes, func(emit func(I) error) (E, error) { return f(r.Context(), r.Body, emit) })
	})
}

// Give serves a call that writes bytes. An error before the first of them comes as a line, a later one cuts the answer short.
func Give[Q, E any](codes Codes, f func(context.Context, Q, io.Writer) (E, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", trailer)
		var q Q
		var end E
		out := &lazy{w: w}
		err := query(w, r, &q)
		if err == nil {
			end, err = f(r.Context(), q, out)
		}
		last := codes.last(end, err)
		switch {
		case err == nil:
			w.Header().Set(trailer, string(last.End))
		case out.began:
			panic(http.ErrAbortHandler)
		default:
			w.WriteHeader(http.StatusConflict)
			json.NewEncoder(w).Encode(last)
		}
	})
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
