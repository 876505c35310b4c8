package gossip

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
)

// TestPolicyChild is no test: it is the program that the tests below run.
func TestPolicyChild(t *testing.T) {
	how := os.Getenv("GOSSIP_TEST_POLICY")
	if how == "" {
		t.Skip("run by the other tests of this file") // skip: they start this program with the variable set
	}
	defer os.Exit(0)
	if how == "dead" {
		return
	}
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 1<<20)
	how, early := strings.CutPrefix(how, "at once ")
	for n := 1; in.Scan(); n++ {
		var ask struct {
			ID, Op, Body string
			Size         int
		}
		if json.Unmarshal(in.Bytes(), &ask) != nil {
			os.Exit(3)
		}
		do := "accept"
		switch {
		case n == 1 && !early: // the question of the start
		case how == "cat":
			fmt.Println(in.Text())
			continue
		case how == "slow":
			time.Sleep(80 * time.Millisecond) // sleep: it plays a slow program
		case how == "dies" && n == 3:
			os.Exit(9)
		case how == "liar":
			fmt.Print(strings.Repeat(`{"id":"`+strings.Repeat("ab", 20)+`","do":"accept"}`+"\n", policyUnknown+1))
			continue
		case how == "long":
			fmt.Println(strings.Repeat("x", 1<<20))
			continue
		case how == "silent":
			continue
		case how == "judge" && ask.Size > 5000:
			do = "reject"
		case how == "judge" && ask.Op == "mail-put":
			do = "ignore"
		case how == "body" && ask.Body == "":
			do = "ignore"
		}
		fmt.Printf("{\"id\":%q,\"do\":%q,\"why\":\"test\"}\n", ask.ID, do)
	}
}

func plugin(t *testing.T, how string) *Plugin {
	t.Helper()
	t.Setenv("GOSSIP_TEST_POLICY", how)
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &Plugin{Argv: []string{exe, "-test.run=^TestPolicyChild$"}, Now: time.Now}
	t.Cleanup(func() { p.Close() })
	return p
}

func candidate(i, size int, op Op) Candidate {
	return Candidate{ID: envelope.ID{byte(i), byte(i >> 8), 1}, Op: op, Size: size, From: "x", Body: []byte{1}}
}

func TestPolicyDecides(t *testing.T) {
	p := plugin(t, "judge")
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() {
			want, c := Accept, candidate(i, 1024, OpForward)
			switch i % 3 {
			case 1:
				want, c.Size = Reject, 16384
			case 2:
				want, c.Op = Ignore, OpPut
			}
			got, cause := p.Decide(c)
			if late := cause == PolicyLate; got != want && !late {
				t.Errorf("%d: got %v, want %v", i, got, want)
			}
		})
	}
	wg.Wait()
	if late, _ := p.Missed(); late > 50 {
		t.Errorf("%d of 100 were late", late)
	}
}

// A program that is slow, silent, dead, lying or too loud blocks nobody: while it is ill, the built-in checks stand alone.
func TestPolicyIsIll(t *testing.T) {
	for _, how := range []string{"slow", "silent", "cat", "liar", "long", "dies"} {
		t.Run(how, func(t *testing.T) {
			p := plugin(t, how)
			if err := p.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			accepted := 0
			for i := range 200 {
				began := time.Now()
				v, _ := p.Decide(candidate(i, 1024, OpForward))
				if d := time.Since(began); d > policyWait+200*time.Millisecond {
					t.Fatalf("blocked for %v", d)
				}
				if v == Reject {
					t.Fatal("an ill program fines somebody")
				}
				if v == Accept {
					accepted++
				}
				if accepted > 50 {
					break
				}
			}
			if accepted == 0 {
				t.Error("the built-in checks do not take over")
			}
		})
	}
}

func TestPolicyRestarts(t *testing.T) {
	p := plugin(t, "dies")
	var logged []string
	p.Log = func(f string, a ...any) { logged = append(logged, fmt.Sprintf(f, a...)) }
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		p.Decide(candidate(i, 1024, OpForward))
		if _, starts := p.Missed(); starts == 2 {
			break
		}
		if i > 2000 {
			t.Fatal("not started again")
		}
		time.Sleep(5 * time.Millisecond) // sleep: between looks
	}
	p.Close()
	if len(logged) == 0 {
		t.Error("nobody is told")
	}
}

func TestPolicyMustStart(t *testing.T) {
	for _, how := range []string{"dead", "at once cat", "at once liar", "at once long"} {
		if err := plugin(t, how).Start(t.Context()); err == nil {
			t.Errorf("%s: taken", how)
		}
	}
	if err := (&Plugin{Argv: []string{"/nonexistent/policy"}, Now: time.Now}).Start(context.Background()); err == nil {
		t.Error("a program that is not there is taken")
	}
	if err := (&Plugin{Now: time.Now}).Start(context.Background()); err == nil {
		t.Error("no program is taken")
	}
}

func TestPolicySeesBodiesWhenAsked(t *testing.T) {
	for body, want := range map[bool]Verdict{false: Ignore, true: Accept} {
		p := plugin(t, "body")
		p.Body = body
		if err := p.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		if v, cause := p.Decide(candidate(1, 1024, OpForward)); v != want && cause != PolicyLate {
			t.Errorf("with body %v: %v", body, v)
		}
		p.Close()
	}
}
