package bootstrap

import (
	"context"
	"errors"
	"net"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Ends of a road.
const (
	OK      = "ok"
	Failed  = "failed"
	Skipped = "skipped"
)

// Report is what became of one road, for a person to read and to send on: no address of a contact is in it.
type Report struct {
	Road      string        `json:"road"`
	Transport string        `json:"transport,omitempty"`
	Server    string        `json:"server,omitempty"`
	Result    string        `json:"result"`
	Stage     string        `json:"stage"` // allowed, connect, tls, answer, dnssec, proof, signature, time, rollback, dial
	Took      time.Duration `json:"-"`
	Queries   int           `json:"queries"`
	Bytes     int           `json:"bytes"`
	Seq       uint64        `json:"seq,omitempty"`
	Peers     int           `json:"peers"`
	Verdict   string        `json:"verdict,omitempty"`
	Reason    string        `json:"reason"`

	err error
}

// Err is the error that a failed road ended with.
func (r Report) Err() error { return r.err }

// Tampered tells whether the road ended in evidence that somebody changed something.
func (r Report) Tampered() bool {
	var refused *list.Refusal
	if errors.As(r.err, &refused) {
		return refused.Reason != list.Expired && refused.Reason != list.Older && refused.Reason != list.BadClock
	}
	return errors.Is(r.err, sig.ErrVerify) || errors.Is(r.err, wire.ErrInvalid)
}

// TimedOut tells whether the road was given up for its time.
func (r Report) TimedOut() bool {
	return errors.Is(r.err, context.DeadlineExceeded) || errors.Is(r.err, os.ErrDeadlineExceeded)
}

// end fills in how the road came to its end.
func (r *Report) end(err error, took time.Duration) {
	r.Took, r.err, r.Result = took, err, OK
	if err == nil {
		r.Reason = "it works"
		return
	}
	r.Result, r.Reason = Failed, reason(err)
	var dns *net.OpError
	if r.Stage == "" && (errors.As(err, &dns) || r.TimedOut()) {
		r.Stage = "connect"
	}
	if r.Stage == "" {
		r.Stage = "answer"
	}
	if strings.Contains(err.Error(), "tls:") || strings.Contains(err.Error(), "x509:") {
		r.Stage = "tls"
	}
}

// reason is a sentence that says what happened.
func reason(err error) string {
	var refused *list.Refusal
	switch {
	case errors.As(err, &refused):
		return map[list.Reason]string{
			list.OtherNetwork: "the list is of another network", list.UnknownSet: "the list is signed by keys that this program does not know",
			list.BadSignature: "the list has not enough good signatures: somebody changed it, or it is not finished",
			list.BadClock:     "the list is from the future, or the clock of this machine is wrong", list.Expired: "the list has expired",
			list.Rollback:     "somebody serves an old list in place of the new one",
			list.Older:        "the list is older than the one that is held",
			list.Equivocation: "there are two different lists of one number", list.BadLeaf: "a part does not belong to the list",
		}[refused.Reason] + " (" + refused.Text + ")"
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return "no answer in time"
	case errors.Is(err, context.Canceled):
		return "not needed any more"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "the connection was refused"
	case errors.Is(err, syscall.ECONNRESET):
		return "the connection was reset"
	case errors.Is(err, os.ErrNotExist):
		return "there is no such file"
	}
	return err.Error()
}
