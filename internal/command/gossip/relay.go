package gossip

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/dht"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/store"
	"github.com/pars-network/pars/pkg/wire"
)

func relayVerb() *urfave.Command {
	return &urfave.Command{
		Name: "relay", Usage: "pass messages on for others, and keep them for who is away",
		Description: "Runs until it is stopped and prints its counters each minute. Its key and the mail stand in the folder cache of the home. A policy is a " +
			"program that gets one JSON line for each message and answers one; it can refuse, never allow what the relay refuses. SIGHUP reads the list of " +
			"--from again and starts the program anew, without losing a connection.",
		Flags: netFlags(
			&urfave.StringFlag{Name: "shards", Usage: "serve `all|N` of the network's topics", Value: "all", DefaultText: "all"},
			&urfave.StringFlag{Name: "policy", Usage: "ask the program `CMD` with its arguments, split at spaces"},
			&urfave.BoolFlag{Name: "policy-body", DisableDefaultText: true, Usage: "show it the messages too, sealed, in base64"},
			&urfave.StringFlag{Name: "store", Usage: "keep `SIZE` of mail; 0 keeps none", Value: "64MiB", DefaultText: "64MiB"}),
		Action: relayAction,
	}
}

type readyRow struct {
	Type   string   `json:"type"`
	PeerID string   `json:"peer_id"`
	Addrs  []string `json:"addrs"`
	Counts string   `json:"metrics,omitempty"`
}

// Text is the line that says that the relay serves.
func (r readyRow) Text() string {
	return strings.Join(append([]string{"ready", r.PeerID}, r.Addrs...), " ")
}

// minuteRow is the counters with what a relay is.
type minuteRow struct {
	Type   string `json:"type"`
	Peers  int    `json:"peers"`
	Topics int    `json:"topics"`
	gossip.Metrics
	DuplicatesPer  float64 `json:"duplicates_per_delivery"`
	BytesPerUseful float64 `json:"bytes_per_useful_byte"`
}

// Text is the counters in short.
func (r minuteRow) Text() string {
	return fmt.Sprintf("minute\t%d peers\t%d topics\t%d delivered\t%.2f duplicates each\t%.2f bytes a useful byte\t%d letters", r.Peers, r.Topics, r.Delivered,
		r.DuplicatesPer, r.BytesPerUseful, r.Stored)
}

func relayAction(c *urfave.Context) error {
	shards, err := shardCount(c.String("shards"))
	if err != nil {
		return err
	}
	limit, err := size(c.String("store"))
	if err != nil {
		return err
	}
	home, err := cli.Home(c)
	if err != nil {
		return err
	}
	cache := filepath.Join(home, "cache")
	key, err := secret(filepath.Join(cache, "gossip.key"))
	if err != nil {
		return err
	}
	listen := c.StringSlice("listen")
	if len(listen) == 0 {
		listen = []string{"/ip4/0.0.0.0/tcp/4001", "/ip6/::/tcp/4001"}
	}
	x := &relay{c: c, hup: make(chan os.Signal, 1)}
	signal.Notify(x.hup, syscall.SIGHUP)
	defer signal.Stop(x.hup)
	defer x.stop()
	if err := x.policy(); err != nil {
		return err
	}
	r, skipped, err := join(c, key, listen, func(n *gossip.Node) error {
		n.Relay, n.Shards, n.Secret = true, shards, key // its topics follow from its key: the same after a restart
		if len(c.String("policy")) > 0 {
			n.Policy = x
		}
		if limit > 0 {
			n.Mail, err = x.mail(cache, n, limit)
		}
		return err
	})
	if err != nil {
		return err
	}
	x.running = r
	roles := []dht.Role{"relay"}
	if limit > 0 {
		roles = append(roles, "courier")
	}
	if err := x.serveTable(roles...); err != nil {
		return errors.Join(err, r.close())
	}
	id, addrs := r.Self()
	if err := cli.Out(c).Print(readyRow{"ready", id, addrs, r.served}); err != nil {
		return errors.Join(err, r.close())
	}
	x.resend(home)
	return errors.Join(x.serve(), skipped, r.close())
}

func shardCount(s string) (int, error) {
	if s == "all" {
		return 0, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > 256 {
		return 0, cli.Usagef("--shards %q: all or a number from 1 to 256", s)
	}
	return n, nil
}

// secret reads a file of 32 random bytes, or makes it.
func secret(name string) (key [32]byte, err error) {
	b, err := os.ReadFile(name)
	switch {
	case err == nil && len(b) == len(key):
		return [32]byte(b), nil
	case err == nil:
		return key, fmt.Errorf("%s: %w", name, wire.Invalid("key of %d bytes", len(b)))
	case !errors.Is(err, os.ErrNotExist):
		return key, err
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return key, err
	}
	rand.Read(key[:])
	return key, store.WriteAtomic(store.OS(filepath.Dir(name)), filepath.Base(name), key[:])
}

// relay is what the verb holds beside the node.
type relay struct {
	*running
	c     *urfave.Context
	hup   chan os.Signal
	store *store.Store

	mu     sync.Mutex // guards plugin
	plugin *gossip.Plugin
}

// mail opens the store of the mail. The key lies beside it: it keeps a disk that is thrown away from telling.
func (x *relay) mail(cache string, n *gossip.Node, limit int64) (*gossip.Mailbox, error) {
	key, err := secret(filepath.Join(cache, "mail.key"))
	if err != nil {
		return nil, err
	}
	e, err := store.OpenBadger(filepath.Join(cache, "mail"), store.BadgerOptions{})
	if err != nil {
		return nil, fmt.Errorf("open mail: %w", err)
	}
	if x.store, err = store.New(e, store.Options{Key: store.Key(key), Limit: 4 * limit}); err != nil {
		return nil, errors.Join(err, e.Close())
	}
	m := &gossip.Mailbox{Disk: gossip.StoreDisk{Store: x.store, Space: x.store.Root()}, Rules: n.Rules, Limit: limit, Each: 64, Rand: rand.Reader}
	if err := m.Open(time.Now().Unix()); err != nil {
		return nil, err
	}
	if bad := m.Damaged(); bad > 0 {
		cli.Warnf(x.c, "%d letters do not open and are left out", bad)
	}
	return m, nil
}

// policy starts the operator's program.
func (x *relay) policy() error {
	argv := strings.Fields(x.c.String("policy"))
	if len(argv) == 0 {
		return nil
	}
	p := &gossip.Plugin{Argv: argv, Body: x.c.Bool("policy-body"), Now: time.Now, Err: io.Discard,
		Log: func(format string, args ...any) { cli.Warnf(x.c, format, args...) }}
	if x.c.Bool("v") {
		p.Err = x.c.App.ErrWriter
	}
	if err := p.Start(x.c.Context); err != nil {
		return err
	}
	x.mu.Lock()
	old := x.plugin
	x.plugin = p
	x.mu.Unlock()
	if old != nil {
		return old.Close()
	}
	return nil
}

// Decide asks the program that runs now.
func (x *relay) Decide(c gossip.Candidate) (gossip.Verdict, gossip.Cause) {
	x.mu.Lock()
	p := x.plugin
	x.mu.Unlock()
	return p.Decide(c)
}

func (x *relay) stop() {
	if x.plugin != nil {
		x.plugin.Close()
	}
	if x.store != nil {
		if err := x.store.Close(); err != nil {
			cli.Warnf(x.c, "close mail: %v", err)
		}
	}
}

// resend publishes what the outbox of the home holds, each for as long as it lives.
func (x *relay) resend(home string) {
	box := outbox{filepath.Join(home, "outbox", "gossip-"+x.net.NetID8()), x.Rules}
	list, err := box.list(time.Now().Unix())
	if err != nil {
		cli.Warnf(x.c, "outbox: %v", err)
	}
	for _, w := range list {
		err := x.Queue(gossip.Pending{Topic: w.topic, Envelope: w.env, Done: func(s gossip.Sent) {
			if s.Err == nil {
				s.Err = removeFile(w.file)
			}
			if s.Err != nil {
				cli.Verbosef(x.c, "outbox: %v", s.Err)
			}
		}})
		if err != nil {
			cli.Warnf(x.c, "outbox: %v", err)
		}
	}
}

// serve prints the counters each minute. To be stopped is its normal end.
func (x *relay) serve() error {
	tick := time.NewTicker(time.Minute)
	defer tick.Stop()
	for {
		select {
		case <-x.c.Context.Done():
			return nil
		case <-x.hup:
			x.reload()
		case <-tick.C:
			if x.Mail != nil {
				if err := x.Mail.Expire(time.Now().Unix()); err != nil {
					cli.Warnf(x.c, "%v", err)
				}
			}
			if err := cli.Out(x.c).Print(x.minute()); err != nil {
				return err
			}
		}
	}
}

func (x *relay) minute() minuteRow {
	m := x.Metrics()
	return minuteRow{"minute", len(x.Peers()), len(x.Joined()), m, m.DuplicatesPer(), m.BytesPerUseful()}
}

// reload reads the list again and starts the program anew. What fails leaves the old state.
func (x *relay) reload() {
	if err := x.policy(); err != nil {
		cli.Warnf(x.c, "the old policy goes on: %v", err)
	}
	addrs, _, err := begin(x.c)
	if err == nil {
		err = x.dial(x.c, addrs)
	}
	if err != nil {
		cli.Warnf(x.c, "read the list again: %v", err)
	}
}

func removeFile(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}
