package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/pars-network/pars/pkg/node"
	"github.com/pars-network/pars/pkg/profile"
)

// pair is two connected nodes with one conversation, and a reader that follows it on the second.
type pair struct {
	group
	exe, from string
	session   string
	reader    *child
	came      chan string
}

func (b *bench) newPair() (p *pair, err error) {
	p = &pair{came: make(chan string, 16)}
	if p.exe, err = b.ours("pars-node"); err != nil {
		return nil, err
	}
	_, home, addr, err := b.node(&p.group, "from")
	if err != nil {
		return p, err
	}
	_, other, _, err := b.node(&p.group, "to", "--peer", addr)
	if err != nil {
		return p, err
	}
	p.from = home
	text, err := output(p.exe, "invite", "--home", home, "--json")
	if err != nil {
		return p, err
	}
	var inv node.Invitation
	if err := json.Unmarshal([]byte(text), &inv); err != nil {
		return p, err
	}
	p.session = inv.Session
	if _, err := output(p.exe, "join", "--home", other, inv.Invite); err != nil {
		return p, err
	}
	if p.reader, err = start(p.exe, "read", "--home", other, "--follow", "--json", p.session); err != nil {
		return p, err
	}
	p.all = append(p.all, p.reader)
	go func() {
		for p.reader.lines.Scan() {
			var m node.Message
			if json.Unmarshal(p.reader.lines.Bytes(), &m) == nil {
				p.came <- m.Content
			}
		}
	}()
	return p, p.level()
}

// level waits until a message comes through, however long the first contact takes.
func (p *pair) level() error {
	if _, err := output(p.exe, "send", "--home", p.from, p.session, "first"); err != nil {
		return err
	}
	return p.wait("first", 30*time.Second)
}

func (p *pair) wait(text string, most time.Duration) error {
	late := time.After(most)
	for {
		select {
		case got := <-p.came:
			if got == text {
				return nil
			}
		case <-late:
			return fmt.Errorf("%q did not come within %v", text, most)
		}
	}
}

// times sends n messages, one after the other, and returns how long each took in ms, ascending.
func (p *pair) times(n int, send func(string) error) ([]float64, error) {
	var out []float64
	for i := range n {
		text := fmt.Sprintf("message %d of %d", i, n)
		begin := time.Now()
		if err := send(text); err != nil {
			return nil, err
		}
		if err := p.wait(text, 10*time.Second); err != nil {
			return nil, err
		}
		out = append(out, float64(time.Since(begin).Microseconds())/1e3)
		time.Sleep(20 * time.Millisecond)
	}
	slices.Sort(out)
	return out, nil
}

func liveRows(b *bench) error {
	p, err := b.newPair()
	if p != nil {
		defer p.stop()
	}
	if err != nil {
		return err
	}
	prof, err := profile.Load("pars-2026", func(string) ([]byte, error) { return nil, errors.New("no files") })
	if err != nil {
		return err
	}
	ctx := context.Background()
	api, err := node.Attach(ctx, node.HomeConfig{Dir: p.from, Profile: prof}, false)
	if err != nil {
		return err
	}
	defer api.Close()
	for _, r := range []struct {
		what string
		send func(string) error
	}{
		{"from the call on the socket", func(text string) error {
			_, err := api.Send(ctx, node.SendQuery{Session: p.session, Text: text})
			return err
		}},
		{"from the start of pars-node send", func(text string) error {
			_, err := output(p.exe, "send", "--home", p.from, p.session, text)
			return err
		}},
	} {
		all, err := p.times(200, r.send)
		if err != nil {
			return err
		}
		line := row{Area: "live", Measure: "send to read --follow, " + r.what + ", p50", Unit: "ms", Peer: "-", Rounds: len(all)}
		b.add(line, nil, once(quantile(all, 0.5))).atMost(30)
		line.Measure = "send to read --follow, " + r.what + ", p95"
		b.add(line, nil, once(quantile(all, 0.95)))
	}
	return nil
}
