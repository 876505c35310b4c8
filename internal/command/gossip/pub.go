package gossip

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"sync"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/attach"
	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/node"
)

const (
	maxLine  = 1 << 20
	atOnce   = 256 // messages on their way
	sprayed  = 6   // copies that couriers may make
	lifeTime = 14 * 24
)

func pubVerb() *urfave.Command {
	return &urfave.Command{
		Name: "pub", Usage: "send messages to a topic", ArgsUsage: "TOPIC [FILE|-]",
		Description: "A file is one message; standard input is one a line. With shard:XX the lines are sealed messages as sub prints them, and go on with the " +
			"same bytes. A message that nobody is there to take stays in the home's outbox and goes with the next pub or relay.",
		Flags:  attach.Flags(netFlags()...),
		Action: pubAction,
	}
}

type sentRow struct {
	Topic  string   `json:"topic"`
	ID     string   `json:"id"`
	Peers  int      `json:"peers"`
	Stored []string `json:"stored_by"`
	Bytes  int      `json:"bytes"`
}

// Text is the id and how many peers took it.
func (r sentRow) Text() string { return attach.Strings(r.ID, r.Peers) }

func pubAction(c *urfave.Context) error {
	p, err := network(c)
	if err != nil {
		return err
	}
	args := cli.Args(c)
	name, err := cut(p).ParseName(args[0])
	if err != nil {
		return cli.Usagef("%v", err)
	}
	file := "-"
	if len(args) > 1 {
		file = args[1]
	}
	in, err := cli.Input(c, file)
	if err != nil {
		return err
	}
	defer in.Close()
	if name.Session != "" {
		return pubSession(c, name.Session, in, file == "-")
	}
	return pubNetwork(c, name, in, file == "-")
}

// messages hands each message of the input to yield: each line, or all of a file.
func messages(in io.Reader, lines bool, most int, yield func([]byte) error) (tooLong int, err error) {
	if !lines {
		b, err := io.ReadAll(io.LimitReader(in, int64(most)+1))
		if err != nil {
			return 0, err
		}
		if len(b) > most {
			return 0, cli.Usagef("the message is over %d bytes; send it as a file: pars-bundle pack", most)
		}
		return 0, yield(b)
	}
	scan := bufio.NewScanner(in)
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		b := bytes.TrimSuffix(scan.Bytes(), []byte("\r"))
		switch {
		case len(b) == 0:
			continue
		case len(b) > most:
			tooLong++
			continue
		}
		if err := yield(bytes.Clone(b)); err != nil {
			return tooLong, err
		}
	}
	return tooLong, scan.Err()
}

func pubSession(c *urfave.Context, id string, in io.Reader, lines bool) error {
	return attach.Do(c, false, func(a node.API) error {
		bad, err := messages(in, lines, envelope.MaxContent, func(b []byte) error {
			m, err := a.Send(c.Context, node.SendQuery{Session: id, Text: string(bytes.TrimSuffix(b, []byte("\n")))})
			if err != nil {
				return err
			}
			return cli.Out(c).Print(sentRow{"session:" + m.Session, m.ID, 0, []string{}, len(b)})
		})
		return errors.Join(err, skippedLines(bad))
	})
}

func skippedLines(n int) error {
	if n == 0 {
		return nil
	}
	return fmt.Errorf("%d lines were skipped: %w", n, cli.ErrPartial)
}

// sender publishes what it is given, at most so many at once.
type sender struct {
	*running
	c     *urfave.Context
	ctx   context.Context
	topic string
	box   outbox
	slots chan struct{}

	mu   sync.Mutex // guards all below
	bad  int        // lines
	kept int        // in the outbox
	sent int
	err  error
}

func pubNetwork(c *urfave.Context, name gossip.Name, in io.Reader, lines bool) error {
	r, skipped, err := join(c, fresh(), c.StringSlice("listen"), nil)
	if err != nil {
		return err
	}
	home, err := cli.Home(c)
	if err != nil {
		return errors.Join(err, r.close())
	}
	s := &sender{running: r, c: c, ctx: c.Context, topic: cli.Args(c)[0], slots: make(chan struct{}, atOnce),
		box: outbox{filepath.Join(home, "outbox", "gossip-"+r.net.NetID8()), r.Rules}}
	if err := s.old(); err != nil {
		cli.Warnf(c, "outbox: %v", err)
	}
	most := envelope.MaxPayload
	if name.Shard != nil {
		most = maxLine
	}
	tooLong, err := messages(in, lines, most, func(b []byte) error {
		topic, env, err := s.seal(name, b)
		if err != nil {
			if s.ctx.Err() == nil {
				cli.Verbosef(c, "%v", err)
				s.bad++ // only this goroutine writes it before the end
				return nil
			}
			return err
		}
		return s.publish(topic, env, func(error) {})
	})
	for range atOnce { // all are done
		s.slots <- struct{}{}
	}
	if s.sent > 0 {
		s.linger()
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = nil // told below
	}
	return errors.Join(err, skipped, s.verdict(tooLong), r.close())
}

// linger gives what was handed to the router time to leave: it tells when a message is queued for a peer, not when it
// is sent. A question to each storer goes the same way behind it.
func (s *sender) linger() {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.ctx), 5*time.Second)
	defer cancel()
	for _, p := range s.Storers() {
		if _, err := s.Holds(ctx, p); err != nil {
			cli.Verbosef(s.c, "%v", err)
		}
	}
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
}

// verdict is what the whole run came to.
func (s *sender) verdict(tooLong int) error {
	err := errors.Join(s.err, skippedLines(s.bad+tooLong))
	if s.kept > 0 {
		why := error(cli.ErrTimeout)
		if s.sent > 0 {
			why = cli.ErrPartial
		}
		err = errors.Join(err, fmt.Errorf("nobody took %d messages; they stay in the outbox and go with the next pub or relay: %w", s.kept, why))
	}
	return err
}

// seal makes an envelope of a message, or reads one.
func (s *sender) seal(name gossip.Name, b []byte) (topic uint8, env []byte, err error) {
	now := time.Now().Unix()
	if name.Shard != nil {
		env, err := sealed(b)
		if err == nil {
			if _, v, cause := s.Rules.Check(env, now); v != gossip.Accept {
				err = fmt.Errorf("an envelope that no node takes: %s", cause)
			}
		}
		return *name.Shard, env, err
	}
	g := gossip.OpenTopic(s.NetID, s.Genesis, name.Word)
	key, ok := g.Day(now)
	if !ok {
		return 0, nil, errors.New("the clock stands before the beginning of the network")
	}
	env, err = key.SealEnvelope(envelope.Batch, b, g.Lanes, s.ExpiryIn(now, lifeTime), rand.Reader)
	if err != nil {
		return 0, nil, err
	}
	var from [8]byte
	rand.Read(from[:]) // a stamp that counts from 0 would look alike on all
	if !s.Stamp(env, binary.BigEndian.Uint64(from[:]), func() bool { return s.ctx.Err() != nil }) {
		return 0, nil, s.ctx.Err()
	}
	return s.Cut.Index(gossip.Today(g.Rdv, now)), env, nil
}

// sealed reads an envelope as sub prints it: base64, or a JSON line with it in data.
func sealed(b []byte) ([]byte, error) {
	if bytes.HasPrefix(b, []byte("{")) {
		var row heardRow
		if err := json.Unmarshal(b, &row); err != nil || row.Encoding != "base64" {
			return nil, fmt.Errorf("a line is no message of sub --json: %w", errors.Join(err, errors.New("no base64 in it")))
		}
		b = []byte(row.Data)
	}
	return base64.StdEncoding.DecodeString(string(bytes.TrimSpace(b)))
}

// old sends what an earlier run left.
func (s *sender) old() error {
	list, err := s.box.list(time.Now().Unix())
	for _, w := range list {
		if err := s.publish(w.topic, w.env, func(err error) {
			if err == nil {
				err = removeFile(w.file)
			}
			if err != nil {
				cli.Verbosef(s.c, "outbox: %v", err)
			}
		}); err != nil {
			return err
		}
	}
	return err
}

// publish queues an envelope, waiting while too many are on their way. done hears of its end before the slot is free.
func (s *sender) publish(topic uint8, env []byte, done func(error)) error {
	select {
	case s.slots <- struct{}{}:
	case <-s.ctx.Done():
		return errors.Join(s.ctx.Err(), s.later(topic, env))
	}
	p := gossip.Pending{Topic: topic, Envelope: env, Until: s.until()}
	p.Done = func(x gossip.Sent) {
		go func() { // depositing takes its time
			defer func() { <-s.slots }()
			done(s.done(topic, env, x))
		}()
	}
	if err := s.Queue(p); err != nil {
		<-s.slots
		return err
	}
	return nil
}

// until is when to give up waiting for a peer.
func (s *sender) until() time.Time {
	if t, ok := s.ctx.Deadline(); ok {
		return t.Add(-time.Second) // time to write the outbox
	}
	return time.Now().Add(patience)
}

func (s *sender) later(topic uint8, env []byte) error {
	err := s.box.keep(topic, env)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.kept++
	s.err = errors.Join(s.err, err)
	return err
}

// done prints what became of a message; one that nobody took goes to the outbox.
func (s *sender) done(topic uint8, env []byte, x gossip.Sent) error {
	stored := s.deposit(env)
	if x.Err != nil && len(stored) == 0 {
		return errors.Join(x.Err, s.later(topic, env))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sent++
	err := cli.Out(s.c).Print(sentRow{s.topic, fmt.Sprintf("%x", x.ID), x.Peers, stored, len(env)})
	s.err = errors.Join(s.err, err)
	return err
}

// deposit leaves the envelope with connected nodes that keep mail, for who is away now. A storer that has no room
// is no fault.
func (s *sender) deposit(env []byte) []string {
	out := []string{}
	ctx, cancel := context.WithTimeout(s.ctx, dialTime)
	defer cancel()
	for _, p := range s.Storers() {
		if _, err := s.Deposit(ctx, p, []gossip.Put{{Copies: sprayed, Envelope: env}}); err != nil {
			cli.Verbosef(s.c, "%v", err)
			continue
		}
		out = append(out, p.Name())
	}
	return out
}
