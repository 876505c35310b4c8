package socket

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
)

// Client asks a running node. It is safe for concurrent use.
type Client struct {
	http  http.Client
	codes Codes
}

// Dial returns a client of the node that runs on the home in dir; nil when none answers.
func Dial(ctx context.Context, dir string, codes Codes) *Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", Path(dir))
	}
	conn, err := dial(ctx, "", "")
	if err != nil {
		return nil
	}
	conn.Close()
	return &Client{http: http.Client{Transport: &http.Transport{DialContext: dial}}, codes: codes}
}

// Close lets go of the connections.
func (c *Client) Close() error {
	c.http.CloseIdleConnections()
	return nil
}

func (c *Client) post(ctx context.Context, call string, body io.Reader) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://node/v1/"+call, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return nil, broken(ctx, "ask the running node", err)
	}
	if resp.StatusCode == http.StatusNotFound {
		resp.Body.Close()
		return nil, errors.New("the running node is of another version: restart it")
	}
	return resp, nil
}

// broken says that the caller ended a call, or what else did.
func broken(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%s: %w", what, err)
}

// read gives the items of an answer to emit, and returns its end.
func read[I, E any](ctx context.Context, c *Client, resp *http.Response, emit func(I) error) (end E, err error) {
	defer resp.Body.Close()
	for d := json.NewDecoder(resp.Body); ; {
		var l line
		if err := d.Decode(&l); err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			return end, broken(ctx, "read the node's answer", err)
		}
		if l.Item == nil {
			if err = c.codes.err(l); len(l.End) > 0 {
				err = errors.Join(err, json.Unmarshal(l.End, &end))
			}
			return end, err
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

// Ask makes a call that List serves. An error of emit ends it; E may come with an error.
func Ask[I, E any](ctx context.Context, c *Client, call string, query any, emit func(I) error) (end E, err error) {
	b, err := json.Marshal(query)
	if err != nil {
		return end, err
	}
	resp, err := c.post(ctx, call, bytes.NewReader(b))
	if err != nil {
		return end, err
	}
	return read[I, E](ctx, c, resp, emit)
}

// AskOne makes a call that One serves.
func AskOne[E any](ctx context.Context, c *Client, call string, query any) (E, error) {
	return Ask[struct{}, E](ctx, c, call, query, func(struct{}) error { return nil })
}

// Send makes a call that Take serves, with the bytes of r.
func Send[I, E any](ctx context.Context, c *Client, call string, r io.Reader, emit func(I) error) (end E, err error) {
	resp, err := c.post(ctx, call, r)
	if err != nil {
		return end, err
	}
	return read[I, E](ctx, c, resp, emit)
}

// Fetch makes a call that Give serves and writes the bytes to w.
func Fetch[E any](ctx context.Context, c *Client, call string, query any, w io.Writer) (end E, err error) {
	b, err := json.Marshal(query)
	if err != nil {
		return end, err
	}
	resp, err := c.post(ctx, call, bytes.NewReader(b))
	if err != nil {
		return end, err
	}
	if resp.StatusCode != http.StatusOK {
		return read[struct{}, E](ctx, c, resp, func(struct{}) error { return nil })
	}
	defer resp.Body.Close()
	if _, err := io.Copy(w, resp.Body); errors.Is(err, io.ErrUnexpectedEOF) {
		return end, broken(ctx, "read the node's answer", err)
	} else if err != nil {
		return end, err
	}
	return end, json.Unmarshal([]byte(resp.Trailer.Get(trailer)), &end)
}
