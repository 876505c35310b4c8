package gossip

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"sync"
	"time"
	"unicode/utf8"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/node"
)

const backDays = 14 // an envelope lives no longer

func subVerb() *urfave.Command {
	return &urfave.Command{
		Name: "sub", Usage: "print the messages of a topic as they come", ArgsUsage: "TOPIC",
		Description: "One message a line; a line end in a message is written \\n. With shard:XX the sealed messages themselves, in base64, which pub of " +
			"another network takes. Ends with --count, with --timeout or when it is stopped.",
		Flags: attach.Flags(netFlags(
			&urfave.DurationFlag{Name: "since", Usage: "also what was sent in the last `D` and is still kept by a connected node", DefaultText: "none"},
			&urfave.IntFlag{Name: "count", Usage: "end after `N` messages", DefaultText: "no end"})...),
		Action: subAction,
	}
}

// heardRow is one message. Data is text, or base64 where encoding says so.
type heardRow struct {
	Topic    string    `json:"topic"`
	From     string    `json:"from"`
	ID       string    `json:"id"`
	Time     time.Time `json:"time"`
	Data     string    `json:"data"`
	Encoding string    `json:"encoding,omitempty"`
	Size     int       `json:"size"`
	Expiry   time.Time `json:"expiry,omitzero"`
}

// Text is the message as one line.
func (r heardRow) Text() string {
	if r.Encoding == "base64" {
		return r.Data
	}
	return cli.Escape(r.Data)
}

func subAction(c *urfave.Context) error {
	p, err := network(c)
	if err != nil {
		return err
	}
	name, err := cut(p).ParseName(cli.Args(c)[0])
	if err != nil {
		return cli.Usagef("%v", err)
	}
	if c.Int("count") < 0 || c.Duration("since") < 0 {
		return cli.Usagef("--count and --since are not negative")
	}
	ctx, cancel := context.WithCancel(c.Context)
	defer cancel()
	s := &listener{c: c, topic: cli.Args(c)[0], name: name, end: cancel, left: c.Int("count"), seen: map[envelope.ID]bool{}}
	if name.Session != "" {
		err = s.session(ctx)
	} else {
		err = s.network(ctx)
	}
	switch {
	case s.err != nil:
		return errors.Join(s.err, err)
	case s.finished || errors.Is(c.Context.Err(), context.DeadlineExceeded) && c.Int("count") == 0:
		return err
	}
	return errors.Join(c.Context.Err(), err)
}

// listener prints what is heard, each message once.
type listener struct {
	c     *urfave.Context
	topic string
	name  gossip.Name
	group gossip.Group
	rules gossip.Rules
	end   func()

	keyMu  sync.Mutex // guards keys, keysAt
	keys   map[[16]byte]envelope.DayKey
	keysAt int64

	mu       sync.Mutex // guards all below; held while standard output is slow
	seen     map[envelope.ID]bool
	left     int
	finished bool
	err      error
}

// print writes a row and ends the verb after the last one.
func (s *listener) print(row heardRow) {
	if s.finished || s.err != nil {
		return
	}
	if s.err = cli.Out(s.c).Print(row); s.err != nil {
		s.end()
		return
	}
	if s.left > 0 {
		if s.left--; s.left == 0 {
			s.finished = true
			s.end()
		}
	}
}

// session follows a conversation of the home.
func (s *listener) session(ctx context.Context) error {
	after := time.Now().Add(-s.c.Duration("since"))
	err := attach.Do(s.c, false, func(a node.API) error {
		return a.Read(ctx, node.ReadQuery{Session: s.name.Session, Follow: true, Keep: true}, func(m node.Message) error {
			if m.Missing != "" || m.Time == nil || m.Time.Before(after) {
				return nil
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			s.print(heardRow{Topic: s.topic, From: m.Author, ID: m.ID, Time: m.Time.UTC(), Data: m.Content, Size: len(m.Content)})
			return s.err
		})
	})
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// network reads a topic of strangers.
func (s *listener) network(ctx context.Context) error {
	r, skipped, err := join(s.c, fresh(), s.c.StringSlice("listen"), func(n *gossip.Node) error {
		s.rules = n.Rules
		if s.name.Shard != nil {
			if s.c.Duration("since") > 0 {
				return cli.Usagef("--since: nodes keep messages by tag, and a shard has none; name the topic by its word")
			}
			n.Topics, n.All = []uint8{*s.name.Shard}, true
		} else {
			s.group = gossip.OpenTopic(n.NetID, n.Genesis, s.name.Word)
			n.Groups = func() [][32]byte { return [][32]byte{s.group.Rdv} }
			n.Mine = func(tag [16]byte) bool { _, ok := s.key(tag); return ok }
		}
		n.Deliver = func(h gossip.Heard) { s.heard(h.Envelope, h.From.Name(), h.At) }
		return nil
	})
	if err != nil {
		return err
	}
	if s.c.Duration("since") > 0 {
		skipped = errors.Join(skipped, s.past(ctx, r))
	}
	s.ready(ctx, r)
	<-ctx.Done()
	return errors.Join(r.close(), skipped)
}

// ready tells, with -v, when a neighbour passes the topic on: what was sent in the second before may not come.
func (s *listener) ready(ctx context.Context, r *running) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for s.c.Bool("v") {
		for _, p := range r.Peers() {
			if len(p.Mesh) > 0 && len(p.Mesh) == len(r.Joined()) {
				cli.Verbosef(s.c, "listening")
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// key returns the key of a tag of the topic.
func (s *listener) key(tag [16]byte) (envelope.DayKey, bool) {
	s.keyMu.Lock()
	defer s.keyMu.Unlock()
	if now := time.Now().Unix(); s.keys == nil || now/3600 != s.keysAt {
		s.keys, s.keysAt = map[[16]byte]envelope.DayKey{}, now/3600
		for _, t := range s.group.Tags(now, backDays+1, 1) {
			s.keys[t.Tag] = t.Key
		}
	}
	k, ok := s.keys[tag]
	return k, ok
}

// heard opens an envelope, or prints it sealed.
func (s *listener) heard(env []byte, from string, at time.Time) {
	o, err := envelope.DecodeOuter(env)
	if err != nil {
		return
	}
	id := envelope.EnvelopeID(env)
	row := heardRow{Topic: s.topic, From: from, ID: fmt.Sprintf("%x", id), Time: at.UTC(), Size: len(env),
		Expiry: time.Unix(s.rules.Expires(o.Expiry, at.Unix()), 0).UTC()}
	if s.name.Shard != nil {
		row.Data, row.Encoding = base64.StdEncoding.EncodeToString(env), "base64"
	} else {
		k, ok := s.key(o.Tag)
		if !ok {
			return
		}
		typ, data, err := k.OpenEnvelope(env)
		if err != nil || typ != envelope.Batch {
			cli.Verbosef(s.c, "an envelope of this topic does not open")
			return
		}
		if row.Data = string(data); !utf8.Valid(data) {
			row.Data, row.Encoding = base64.StdEncoding.EncodeToString(data), "base64"
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.seen[id] {
		s.seen[id] = true
		s.print(row)
	}
}

// past asks the peers that keep mail for what was sent since.
func (s *listener) past(ctx context.Context, r *running) error {
	now := time.Now()
	after := now.Add(-s.c.Duration("since")).Unix()
	var tags [][16]byte
	for _, t := range s.group.Tags(now.Unix(), min(backDays, int(s.c.Duration("since")/(24*time.Hour))+1), 1) {
		tags = append(tags, t.Tag)
	}
	asked := 0
	var errs error
	for _, p := range r.waitStorers(ctx) {
		var held []envelope.ID
		s.mu.Lock()
		for id := range s.seen {
			held = append(held, id)
		}
		s.mu.Unlock()
		err := r.Poll(ctx, p, tags, held, func(env []byte) error {
			o, err := envelope.DecodeOuter(env)
			if err != nil {
				return err
			}
			sent := s.rules.Expires(o.Expiry, now.Unix()) - backDays*24*3600 // as pub puts it, to the hour
			if sent+3600 >= after {
				s.heard(env, p.Name(), now)
			}
			return ctx.Err()
		})
		if err == nil {
			asked++
		} else if ctx.Err() == nil {
			errs = errors.Join(errs, err)
		}
	}
	if asked == 0 && ctx.Err() == nil {
		cli.Warnf(s.c, "no connected node keeps mail: what was sent before now stays unread")
	}
	if errs != nil {
		return fmt.Errorf("%w: %w", cli.ErrPartial, errs)
	}
	return nil
}

// waitStorers returns the peers that keep mail, once they said so or after two seconds.
func (r *running) waitStorers(ctx context.Context) []gossip.PeerID {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for range 40 {
		if list := r.Storers(); len(list) > 0 {
			return list
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
	return nil
}
