package gossip

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/wire"
)

// Policy decides on what the built-in checks have passed: it can refuse, never allow what they refused. Decide is
// called on any goroutine and returns within 50 ms.
type Policy interface {
	Decide(Candidate) (Verdict, Cause)
}

// Op is what is to be done with a candidate.
type Op string

// Ops.
const (
	OpForward Op = "forward"
	OpStore   Op = "store"
	OpPut     Op = "mail-put"
	OpGet     Op = "mail-get"
)

// Candidate is an envelope, or a question for mail, that a policy decides on.
type Candidate struct {
	ID        envelope.ID
	Op        Op
	Topic     uint8
	Size      int
	Expiry    int64 // unix seconds
	From      string
	Group     string
	Contact   bool
	Stake     float64
	StampBits int
	Body      []byte
}

// askLine is one line to the program.
type askLine struct {
	V         int     `json:"v"`
	ID        string  `json:"id"`
	Op        Op      `json:"op"`
	Topic     string  `json:"topic"`
	Size      int     `json:"size"`
	Expiry    int64   `json:"expiry"`
	From      string  `json:"from"`
	Group     string  `json:"ip_group"`
	Contact   bool    `json:"contact"`
	Stake     float64 `json:"stake"`
	StampBits int     `json:"stamp_bits"`
	Body      string  `json:"body,omitempty"` // base64, only where asked for
}

// Reply is one line of the program.
type Reply struct {
	ID  envelope.ID
	Do  Verdict
	Why string
}

// DecodeReply reads a line {"id":hex40,"do":"accept|ignore|reject","why":"…"}.
func DecodeReply(line []byte) (r Reply, err error) {
	var raw struct{ ID, Do, Why string }
	if err := json.Unmarshal(line, &raw); err != nil {
		return r, wire.Invalid("policy line: %v", err)
	}
	id, err := hex.DecodeString(raw.ID)
	if err != nil || len(id) != len(r.ID) {
		return r, wire.Invalid("policy line names no id")
	}
	copy(r.ID[:], id)
	r.Why = raw.Why
	for _, v := range []Verdict{Accept, Ignore, Reject} {
		if raw.Do == v.String() {
			r.Do = v
			return r, nil
		}
	}
	return r, wire.Invalid("policy line says to %q", raw.Do)
}

const (
	policyWait    = 50 * time.Millisecond
	policyStart   = 5 * time.Second
	policyLine    = 64 << 10
	policyMisses  = 20 // in a minute: the program is started again
	policyUnknown = 16 // answers to nothing that was asked
	backMost      = time.Minute
)

// Plugin runs a program of the operator that decides, one JSON line each way, answers in any order. While it
// does not run, all that the built-in checks pass is accepted. Set the fields, Start, Close.
type Plugin struct {
	Argv []string
	Body bool // show it the envelopes
	Now  func() time.Time
	Err  io.Writer // what the program complains of; nil: dropped
	Log  func(format string, args ...any)

	cancel context.CancelFunc
	done   sync.WaitGroup
	asks   chan askLine

	mu      sync.Mutex // guards all below
	waiting map[envelope.ID][]chan Reply
	up      bool
	late    []time.Time
	kill    context.CancelFunc
	missed  uint64
	starts  int
}

// Start runs the program and asks it once. One that cannot be started, ends, lies or is silent is an error: the
// operator must know.
func (p *Plugin) Start(ctx context.Context) error {
	if len(p.Argv) == 0 {
		return errors.New("policy: no program")
	}
	p.asks, p.waiting = make(chan askLine, 1024), map[envelope.ID][]chan Reply{}
	ctx, p.cancel = context.WithCancel(ctx)
	run, err := p.launch(ctx)
	if err != nil {
		p.cancel()
		return err
	}
	if err := p.probe(run); err != nil {
		p.cancel()
		return fmt.Errorf("policy %s: %w", p.Argv[0], err)
	}
	p.done.Go(func() { p.keep(ctx, run) })
	return nil
}

// probe asks for one verdict on nothing: an envelope of id zero.
func (p *Plugin) probe(run *process) error {
	got := make(chan Reply, 1)
	p.mu.Lock()
	p.waiting[envelope.ID{}] = append(p.waiting[envelope.ID{}], got)
	p.mu.Unlock()
	p.asks <- askLine{V: 1, ID: hex.EncodeToString(make([]byte, 20)), Op: OpForward, Topic: "00", Size: 1024}
	select {
	case err := <-run.ended:
		return errors.Join(errors.New("it ended at its first line; it must answer each until its input ends"), err)
	case <-got:
		return nil
	case <-time.After(policyStart):
		return errors.New("it does not answer its first line")
	}
}

// Close ends the program.
func (p *Plugin) Close() error {
	if p.cancel != nil {
		p.cancel()
		p.done.Wait()
	}
	return nil
}

// process is one run of the program.
type process struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	ended  chan error // one value
}

func (p *Plugin) launch(ctx context.Context) (*process, error) {
	ctx, cancel := context.WithCancel(ctx)
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...)
	cmd.Stderr = p.Err
	cmd.WaitDelay = time.Second
	in, err := cmd.StdinPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		cancel()
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		cancel()
		return nil, fmt.Errorf("policy: %w", err)
	}
	run := &process{cmd, cancel, make(chan error, 1)}
	p.mu.Lock()
	p.up, p.kill, p.late = true, cancel, nil
	p.starts++
	p.mu.Unlock()
	p.done.Go(func() { p.feed(ctx, in) })
	p.done.Go(func() {
		err := p.listen(out)
		cancel()
		run.ended <- errors.Join(err, cmd.Wait())
	})
	return run, nil
}

// keep starts the program again when it ended, later each time.
func (p *Plugin) keep(ctx context.Context, run *process) {
	back := time.Second
	for {
		began := p.Now()
		var err error
		select {
		case err = <-run.ended:
		case <-ctx.Done():
			run.cancel()
			<-run.ended
			return
		}
		p.down()
		p.log("policy %s ended: %v", p.Argv[0], err)
		if p.Now().Sub(began) > backMost {
			back = time.Second
		}
		for {
			select {
			case <-time.After(back):
			case <-ctx.Done():
				return
			}
			back = min(2*back, backMost)
			if run, err = p.launch(ctx); err == nil {
				break
			}
			p.log("%v", err)
		}
	}
}

func (p *Plugin) log(format string, args ...any) {
	if p.Log != nil {
		p.Log(format, args...)
	}
}

// down forgets the questions of a program that ended.
func (p *Plugin) down() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.up = false
	clear(p.waiting)
}

func (p *Plugin) feed(ctx context.Context, in io.WriteCloser) {
	defer in.Close()
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-p.asks:
			b, err := json.Marshal(a)
			if err != nil {
				continue
			}
			if _, err := in.Write(append(b, '\n')); err != nil {
				return
			}
		}
	}
}

// listen reads answers until the program ends or lies.
func (p *Plugin) listen(out io.Reader) error {
	scan := bufio.NewScanner(out)
	scan.Buffer(nil, policyLine)
	unknown := 0
	for scan.Scan() {
		r, err := DecodeReply(scan.Bytes())
		if err != nil {
			return err
		}
		if !p.take(r) {
			if unknown++; unknown > policyUnknown {
				return wire.Invalid("policy answers what it was not asked")
			}
		}
	}
	return scan.Err()
}

// take gives an answer to who waits for it; false when nobody was asked.
func (p *Plugin) take(r Reply) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	list, ok := p.waiting[r.ID]
	if !ok {
		return false
	}
	for _, c := range list {
		c <- r // one place each
	}
	delete(p.waiting, r.ID)
	return true
}

// Decide asks the program and waits 50 ms.
func (p *Plugin) Decide(c Candidate) (Verdict, Cause) {
	got := make(chan Reply, 1)
	p.mu.Lock()
	if !p.up {
		p.mu.Unlock()
		return Accept, ""
	}
	if len(p.waiting) >= maxPeers { // never answered, over many minutes
		clear(p.waiting)
	}
	p.waiting[c.ID] = append(p.waiting[c.ID], got)
	p.mu.Unlock()
	a := askLine{V: 1, ID: hex.EncodeToString(c.ID[:]), Op: c.Op, Topic: fmt.Sprintf("%02x", c.Topic), Size: c.Size, Expiry: c.Expiry, From: c.From,
		Group: c.Group, Contact: c.Contact, Stake: c.Stake, StampBits: c.StampBits}
	if p.Body {
		a.Body = base64.StdEncoding.EncodeToString(c.Body)
	}
	select {
	case p.asks <- a:
	default:
		return p.miss(c.ID)
	}
	t := time.NewTimer(policyWait)
	defer t.Stop()
	select {
	case r := <-got:
		if r.Do == Accept {
			return Accept, ""
		}
		return r.Do, ByPolicy
	case <-t.C:
		return p.miss(c.ID)
	}
}

// miss counts an answer that did not come in time. Too many, and the program is ended, to be started again.
func (p *Plugin) miss(id envelope.ID) (Verdict, Cause) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.missed++
	now := p.Now()
	p.late = append(p.late, now)
	for len(p.late) > 0 && now.Sub(p.late[0]) > time.Minute {
		p.late = p.late[1:]
	}
	if len(p.late) >= policyMisses && p.up {
		p.up = false
		p.kill()
	}
	return Ignore, PolicyLate
}

// Missed returns how many answers did not come in time, and how often the program was started.
func (p *Plugin) Missed() (answers uint64, starts int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.missed, p.starts
}
