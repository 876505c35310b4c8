package bootstrap

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/road"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Race looks for the first peers on all roads at once. Set the fields, then Run; it may run again.
type Race struct {
	// Trust is whose lists are believed. It is changed by rotations that are met.
	Trust *list.Trust
	// Roads are tried side by side, each from its own time on.
	Roads []Road
	// Private lets lists name private addresses.
	Private bool
	// Covert keeps from roads on which a listener sees what is asked. There is no silent way back to them.
	Covert bool
	// All asks for every leaf of the list, not only as many as Want needs.
	All bool
	// Every lets each road come to its own end: to explain, not to hurry.
	Every bool
	// Want is how many peers are enough; 0 is 8.
	Want int
	// Found is told of each peer at once, before the race is over, so that dialling need not wait for dead roads: of a fresh
	// list or a hint, from the goroutine of its road. One that a better road brings again is told again. It may be nil.
	Found func(Peer)
	// Memory keeps the newest list and who won; nil forgets.
	Memory Memory
	// Network names where the node stands, by NetworkKey; empty remembers no winner.
	Network string
	// Build is when the program was made: a clock before it is wrong.
	Build time.Time
	// Now tells the time.
	Now func() time.Time
	// Rand is for the order of what is asked; nil is crypto/rand.
	Rand io.Reader
}

// Result is what a race found.
type Result struct {
	Peers   []Peer // the best first; whom to dial Choose says
	Reports []Report
	Root    *list.Root // of the list that counts, or nil
	Alarms  []string   // what a person must be told
	Clock   bool       // the clock of this machine seems wrong
	Memory  error      // what could not be kept
}

// run is one race under way.
type run struct {
	*Race
	mu    sync.Mutex // guards what follows
	state *memory
	lists map[[32]byte]*taken
	best  map[string]*taken // by line
	other map[string]Peer
	clock bool
	alarm []string
	fault error
}

// taken is a list and how it stands.
type taken struct {
	list  *list.List
	class list.Class
	epoch uint32
	line  string
	road  string
}

// Run races the roads until there is enough, all have ended, or ctx has. Every failure of a road is in its Report; the error is
// nil when at least one peer was found. Else it wraps sig.ErrVerify when only evidence of tampering was found,
// context.DeadlineExceeded when no road answered in time, and wire.ErrNotFound in other cases.
func (r *Race) Run(ctx context.Context) (*Result, error) {
	state, err := loadMemory(r.Memory)
	if err != nil {
		return nil, err
	}
	state.follow(r.Trust)
	x := &run{Race: r, state: state, lists: map[[32]byte]*taken{}, best: map[string]*taken{}, other: map[string]Peer{}}
	reports := x.race(ctx)
	res := x.result(reports)
	if err := ctx.Err(); errors.Is(err, context.Canceled) {
		return res, err
	}
	return res, res.err()
}

// arrivals of the roads' ends.
type arrived struct {
	key    string
	report Report
}

// race starts and cancels as the machine of pkg/road says, and waits for every road.
func (x *run) race(ctx context.Context) []Report {
	begin := x.Now()
	byKey, order := map[string]Road{}, []string{}
	var entries []road.Entry
	ended := map[string]Report{}
	for _, r := range x.Roads {
		if _, twice := byKey[r.key()]; twice {
			continue
		}
		byKey[r.key()], order = r, append(order, r.key())
		why := r.Skip
		if x.Covert && r.Plain {
			why = "only covert roads are allowed"
		}
		if why != "" {
			ended[r.key()] = Report{Road: r.Name, Transport: r.Transport, Server: r.Server, Result: Skipped, Stage: "allowed", Reason: why}
			continue
		}
		entries = append(entries, road.Entry{Name: r.key(), After: r.After, Timeout: r.Timeout, Won: x.state.won(x.Network, r.key(), begin)})
	}
	machine := road.NewRace(begin, entries)
	cancels := map[string]context.CancelFunc{}
	done := make(chan arrived, len(entries))
	var wg sync.WaitGroup
	defer wg.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for running := 0; ; {
		start, cancel, next := machine.Step(x.Now())
		for _, key := range cancel {
			cancels[key]()
		}
		for _, key := range start {
			rctx, stop := context.WithTimeout(ctx, byKey[key].Timeout)
			cancels[key] = stop
			running++
			wg.Go(func() { done <- arrived{key, x.try(rctx, byKey[key])} })
		}
		if running == 0 && next.IsZero() {
			break
		}
		wait := time.Hour
		if !next.IsZero() {
			wait = next.Sub(x.Now())
		}
		timer.Reset(max(0, wait))
		select {
		case a := <-done:
			running--
			cancels[a.key]()
			ended[a.key] = a.report
			machine.Ended(a.key)
			if !x.Every && x.enough(nil) {
				machine.Enough(x.Now())
			}
		case <-timer.C:
		case <-ctx.Done():
			for _, stop := range cancels {
				stop()
			}
			for ; running > 0; running-- {
				a := <-done
				ended[a.key] = a.report
			}
			return x.reports(order, byKey, ended)
		}
	}
	return x.reports(order, byKey, ended)
}

// reports are in the order of the roads; those that never started were not needed.
func (x *run) reports(order []string, byKey map[string]Road, ended map[string]Report) []Report {
	var out []Report
	for _, key := range order {
		r, ok := ended[key]
		if !ok {
			r = Report{Road: byKey[key].Name, Transport: byKey[key].Transport, Server: byKey[key].Server, Result: Skipped, Stage: "allowed", Reason: "others were enough before its turn"}
		}
		out = append(out, r)
	}
	return out
}

func (x *run) try(ctx context.Context, r Road) Report {
	s := &Sink{run: x, road: r, report: Report{Road: r.Name, Transport: r.Transport, Server: r.Server}}
	start := x.Now()
	err := r.Find(ctx, s)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.report.Peers > 0 && errors.Is(err, context.Canceled) {
		err = nil // it had brought what it has
	}
	if took := x.Now().Sub(start); errors.Is(err, context.Canceled) && took >= r.Timeout {
		err = context.DeadlineExceeded
	}
	s.report.end(err, x.Now().Sub(start))
	var refused *list.Refusal
	if errors.As(err, &refused) && refused.Reason == list.Rollback {
		x.mu.Lock()
		x.state.suspect(r.key(), start)
		x.mu.Unlock()
	}
	return s.report
}

// root checks a root for a road and remembers it before anybody is dialled.
func (x *run) root(r Road, root *list.Root) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	line := x.Trust.Line(root)
	at := list.Arrival{Now: uint64(x.Now().Unix()), Seen: x.state.Seen, Lenient: r.Lenient}
	if !x.Build.IsZero() {
		at.Build = uint64(x.Build.Unix())
	}
	d, err := x.Trust.Check(root, x.state.Held[line], at)
	x.clock = x.clock || d.Clock
	if d.Fork {
		x.warn("two sets of keys sign lists of this network; ask those who run it which is theirs")
	}
	var refused *list.Refusal
	if errors.As(err, &refused) && refused.Reason == list.Equivocation {
		x.warn("two different lists of number %d are signed; ask those who run the network why", root.Seq)
		x.state.Evidence = append(x.state.Evidence, list.TXT(root.Encode()))
		x.state.Evidence = x.state.Evidence[max(0, len(x.state.Evidence)-8):]
		x.keep()
	}
	if refused != nil && refused.Reason == list.Older { // it came by hand or from the cache: better than nobody
		d.Class = list.Stale
	}
	if d.Class == list.Useless {
		return err
	}
	f := x.lists[root.Hash()]
	if f == nil {
		f = &taken{list: &list.List{Root: root}, class: d.Class, epoch: d.Epoch, line: line, road: r.Name}
		x.lists[root.Hash()] = f
	}
	if err != nil { // expired or older: only when there is nothing better
		return err
	}
	if !d.Known {
		x.state.Held[line] = d.Held(root)
		x.state.Seen = max(x.state.Seen, root.Issued)
		x.keep()
	}
	if b := x.best[line]; b == nil || b.epoch < f.epoch || b.epoch == f.epoch && b.list.Root.Seq <= root.Seq {
		x.best[line] = f
	}
	return nil
}

func (x *run) warn(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(x.alarm, text) {
		x.alarm = append(x.alarm, text)
	}
}

func (x *run) keep() { x.fault = errors.Join(x.fault, x.state.save(x.Memory)) }

// spare tells whether an expired list was kept for want of a better one.
func (x *run) spare(root *list.Root) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.lists[root.Hash()]
	return f != nil && f.class < list.Fresh
}

func (x *run) leaf(root *list.Root, leaf *list.Leaf) error {
	fresh, err := x.add(root, leaf)
	x.tell(fresh)
	return err
}

// add keeps a leaf, and returns the peers that may be told of.
func (x *run) add(root *list.Root, leaf *list.Leaf) ([]Peer, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	f := x.lists[root.Hash()]
	if f == nil {
		return nil, wire.Invalid("a leaf of a list that was not taken")
	}
	if err := f.list.Add(leaf, x.Private); err != nil || f.class < list.Fresh {
		return nil, err
	}
	var out []Peer
	for _, e := range leaf.Entries {
		out = append(out, f.peer(e))
	}
	return out, nil
}

// tell is called without the lock.
func (x *run) tell(peers []Peer) {
	for _, p := range peers {
		if x.Found != nil {
			x.Found(p)
		}
	}
}

func (x *run) rotate(r *list.Rotation) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	alarm, err := x.Trust.Rotate(r)
	if text := base64.RawURLEncoding.EncodeToString(r.Encode()); err == nil && !slices.Contains(x.state.Rotations, text) && len(x.state.Rotations) < 64 {
		x.state.Rotations = append(x.state.Rotations, text)
		x.keep()
	}
	if alarm {
		x.warn("two sets of keys follow the same old one; ask those who run the network which is theirs")
	}
	return err
}

func (x *run) peers(list []Peer) { x.tell(x.hear(list)) }

// hear keeps peers of no list, and returns those that are new or better known than before.
func (x *run) hear(list []Peer) (out []Peer) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, p := range list {
		if have, ok := x.other[p.ID]; ok && have.Class.rank() <= p.Class.rank() || len(x.other) >= 256 {
			continue
		}
		x.other[p.ID] = p
		out = append(out, p)
	}
	return out
}

// enough tells whether the newest fresh list has given as many peers as are wanted. Of a given root it asks about that one.
func (x *run) enough(root *list.Root) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	want := x.Want
	if want == 0 {
		want = 8
	}
	among := x.best
	if root != nil {
		among = map[string]*taken{"": x.lists[root.Hash()]}
	}
	for _, f := range among {
		if f == nil {
			continue
		}
		if x.All && len(f.list.Missing()) > 0 {
			continue
		}
		if n := len(f.list.Entries()); n >= min(want, f.list.Root.Peers) {
			return true
		}
	}
	return false
}

// result gathers the peers of what counts, and notes who won.
func (x *run) result(reports []Report) *Result {
	x.mu.Lock()
	defer x.mu.Unlock()
	res := &Result{Reports: reports, Alarms: x.alarm, Clock: x.clock}
	for _, f := range x.best {
		res.add(f)
		if res.Root == nil || f.list.Root.Issued > res.Root.Issued {
			res.Root = f.list.Root
		}
		if x.Memory != nil && len(f.list.Missing()) < f.list.Root.Leaves {
			x.fault = errors.Join(x.fault, x.Memory.Save(memoryList+"-"+f.line, f.list.EncodeFile()))
		}
	}
	if len(res.Peers) == 0 {
		for _, f := range x.lists { // expired, or older than a root whose leaves nobody has
			if x.best[f.line] != f {
				f.class = min(f.class, list.Stale)
				res.add(f)
			}
		}
	}
	for _, p := range x.other {
		if i := slices.IndexFunc(res.Peers, func(q Peer) bool { return q.ID == p.ID }); i < 0 {
			res.Peers = append(res.Peers, p)
		}
	}
	slices.SortStableFunc(res.Peers, func(a, b Peer) int { return a.Class.rank() - b.Class.rank() })
	var won []string
	for _, r := range reports {
		if r.Result == OK && (r.Road == "dns" || r.Road == "hns" || r.Road == "ens" || r.Road == "lan") {
			won = append(won, r.Road+"|"+r.Transport+"|"+r.Server)
		}
	}
	x.state.remember(x.Network, won, x.Now())
	x.keep()
	res.Memory = x.fault
	return res
}

func (res *Result) add(f *taken) {
	for _, e := range f.list.Entries() {
		res.Peers = append(res.Peers, f.peer(e))
	}
}

func (f *taken) peer(e list.Entry) Peer {
	class := map[list.Class]Class{list.Fresh: Signed, list.Stale: Stale, list.Hint: Hinted}[f.class]
	r := f.list.Root
	return Peer{ID: e.ID(), Addrs: e.Multiaddrs(), Class: class, Road: f.road, Source: r.Label(), By: "list", Seq: r.Seq,
		Until: time.Unix(int64(r.Expires), 0).UTC(), Groups: e.Groups(), Home: e.Domestic}
}

// err says why there is no peer.
func (res *Result) err() error {
	if len(res.Peers) > 0 {
		return nil
	}
	tried, late := 0, 0
	var tampered error
	for _, r := range res.Reports {
		if r.Result != Failed {
			continue
		}
		tried++
		if r.TimedOut() {
			late++
		}
		if r.Tampered() && tampered == nil {
			tampered = fmt.Errorf("no peer found; on road %s: %s: %w", r.Road, r.Reason, sig.ErrVerify)
		}
	}
	switch {
	case tampered != nil:
		return tampered
	case tried > 0 && late == tried:
		return fmt.Errorf("no peer found, no road answered: %w", context.DeadlineExceeded)
	}
	return fmt.Errorf("no peer found: %w", wire.ErrNotFound)
}

// NextCheck is when a root should be asked for again: after a quarter of its life, at least six hours, give or take half by
// chance, a number from 0 to 1.
func NextCheck(r *list.Root, chance float64) time.Duration {
	quarter := time.Duration(r.Expires-r.Issued) * time.Second / 4
	return time.Duration(float64(max(quarter, 6*time.Hour)) * (0.5 + chance))
}
