package courier

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
)

// client asks a running node over its socket.
type client struct{ http http.Client }

// Dial returns the API of the node that runs on a home; nil when none answers.
func Dial(ctx context.Context, dir string) API {
	path := filepath.Join(dir, "node.sock")
	dial := func(ctx context.Context) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", path)
	}
	conn, err := dial(ctx)
	if err != nil {
		return nil
	}
	conn.Close()
	return &client{http.Client{Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) }}}}
}

func (c *client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

func (c *client) post(ctx context.Context, call string, q any) (*http.Response, error) {
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://node"+prefixPath+call, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, fmt.Errorf("ask the running node: %w", err)
	}
	if resp.StatusCode == http.StatusNotFound {
		resp.Body.Close()
		return nil, errors.New("the running node is of an older version: restart it")
	}
	return resp, nil
}

// list reads items up to the line that ends them.
func list[I, A any](ctx context.Context, c *client, call string, q any, emit func(I) error) (end A, err error) {
	resp, err := c.post(ctx, call, q)
	if err != nil {
		return end, err
	}
	defer resp.Body.Close()
	d := json.NewDecoder(resp.Body)
	for {
		var l line
		if err := d.Decode(&l); err != nil {
			if ctx.Err() != nil {
				return end, ctx.Err()
			}
			return end, fmt.Errorf("read the node's answer: %w", err)
		}
		if l.Item == nil {
			if len(l.End) > 0 {
				err = json.Unmarshal(l.End, &end)
			}
			return end, errors.Join(l.err(), err)
		}
		var i I
		if err := json.Unmarshal(l.Item, &i); err != nil {
			return end, fmt.Errorf("read the node's answer: %w", err)
		}
		if err := emit(i); err != nil {
			return end, err
		}
	}
}

func (c *client) Pack(ctx context.Context, q PackQuery, w io.Writer) (p Packed, err error) {
	resp, err := c.post(ctx, "pack", q)
	if err != nil {
		return p, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		var l line
		if err := json.NewDecoder(resp.Body).Decode(&l); err != nil {
			return p, fmt.Errorf("read the node's answer: %w", err)
		}
		return p, l.err()
	}
	if _, err := io.Copy(w, resp.Body); err != nil {
		return p, err
	}
	return p, json.Unmarshal([]byte(resp.Trailer.Get(packTrailer)), &p)
}

func (c *client) Plan(ctx context.Context, q PackQuery, emit func(Planned) error) (Packed, error) {
	return list[Planned, Packed](ctx, c, "plan", q, emit)
}

func (c *client) Unpack(ctx context.Context, q FileQuery, emit func(Result) error) (*Verdict, error) {
	v, err := list[Result, *wireVerdict](ctx, c, "unpack", q, emit)
	return v.verdict(), err
}

func (c *client) Look(ctx context.Context, q FileQuery, emit func(Result) error) (*Verdict, error) {
	v, err := list[Result, *wireVerdict](ctx, c, "look", q, emit)
	return v.verdict(), err
}

func (c *client) Have(ctx context.Context, q HaveQuery) ([]byte, error) {
	return list[struct{}, []byte](ctx, c, "have", q, func(struct{}) error { return nil })
}
