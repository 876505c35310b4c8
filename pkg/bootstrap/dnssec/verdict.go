package dnssec

import (
	"errors"
	"fmt"
	"time"

	"github.com/miekg/dns"
)

// Verdict is what validation found. A greater one is worth more.
type Verdict int

// Verdicts of RFC 4033 section 5. Bogus is proof of damage or attack; Indeterminate is no answer to judge.
const (
	Bogus Verdict = iota
	Indeterminate
	Insecure
	Secure
)

// String is the verdict in capitals.
func (v Verdict) String() string {
	return [...]string{"BOGUS", "INDETERMINATE", "INSECURE", "SECURE"}[v]
}

// Answer is the result of one look-up.
type Answer struct {
	Verdict Verdict
	Rcode   int      // dns.RcodeSuccess or dns.RcodeNameError where a verdict was reached, else what the server said
	Alias   []dns.RR // the CNAME and DNAME records that were followed
	Records []dns.RR // the records of the type asked for; none of a bogus answer
	TTL     time.Duration
	Why     string // what is wrong, in words; empty when Secure
	Clock   bool   // only the time of signatures was wrong: the clock may be
	Timeout bool   // no server answered in time
	Queries int    // messages that were asked
	Checks  int    // signatures that were verified

	used []rrset // for Prove
}

// judgement is an error that carries a verdict.
type judgement struct {
	verdict Verdict
	why     string
	clock   bool
}

func (j *judgement) Error() string { return j.why }

func bogus(format string, args ...any) error {
	return &judgement{verdict: Bogus, why: fmt.Sprintf(format, args...)}
}

func insecure(format string, args ...any) error {
	return &judgement{verdict: Insecure, why: fmt.Sprintf(format, args...)}
}

func unknown(format string, args ...any) error {
	return &judgement{verdict: Indeterminate, why: fmt.Sprintf(format, args...)}
}

func judge(err error) *judgement {
	var j *judgement
	if errors.As(err, &j) {
		return j
	}
	return &judgement{verdict: Indeterminate, why: err.Error()}
}
