package store_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/pars-network/pars/pkg/store"
)

const (
	crashWriters = 4
	crashRecords = 5
)

// crashKey is where record j of batch i of a writer stands.
func crashKey(round, writer, i, j int) []byte {
	return fmt.Appendf(nil, "%d/%d/%06d/%d", round, writer, i, j)
}

// crashChild commits batches and says which are durable, until it is killed.
func crashChild(t *testing.T, args []string) {
	s, err := store.New(openBadger(t, args[0]), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	round, _ := strconv.Atoi(args[1])
	var wg sync.WaitGroup
	for w := range crashWriters {
		wg.Go(func() {
			for i := range 1_000_000 {
				var b store.Batch
				for j := range crashRecords {
					k := crashKey(round, w, i, j)
					s.Root().Put(&b, store.TableBody, k, append(k, make([]byte, i*j*131%1500)...))
				}
				if err := s.Commit(&b); err != nil {
					t.Error(err)
					return
				}
				os.Stdout.WriteString(fmt.Sprintf("done %d %d\n", w, i))
			}
		})
	}
	wg.Wait()
}

// A process killed while it commits loses nothing it has acknowledged and shows no half batch.
func TestKilledWhileCommitting(t *testing.T) {
	rounds := 8
	if testing.Short() {
		rounds = 3
	}
	dir := t.TempDir()
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	acked := map[[3]int]bool{}
	for round := range rounds {
		c := startChild(t, "crash", dir, strconv.Itoa(round))
		for left := 1 + r.IntN(400); c.lines.Scan(); left-- {
			var w, i int
			if _, err := fmt.Sscanf(c.lines.Text(), "done %d %d", &w, &i); err == nil {
				acked[[3]int{round, w, i}] = true
			} else if !strings.HasPrefix(c.lines.Text(), "=== RUN") {
				t.Logf("child: %s", c.lines.Text())
			}
			if left == 0 {
				_ = c.cmd.Process.Kill()
			}
		}
		_ = c.cmd.Wait() // killed
		checkCrash(t, dir, acked)
		if t.Failed() {
			t.Fatalf("seed=%d round %d", seed, round)
		}
	}
	t.Logf("%d batches acknowledged in %d rounds", len(acked), rounds)
}

func checkCrash(t *testing.T, dir string, acked map[[3]int]bool) {
	t.Helper()
	s, err := store.New(openBadger(t, dir), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	found := map[[3]int]int{}
	err = s.Root().Scan(store.TableBody, nil, func(rest, plain []byte, err error) bool {
		var id [3]int
		var j int
		if _, serr := fmt.Sscanf(string(rest), "%d/%d/%d/%d", &id[0], &id[1], &id[2], &j); serr != nil || err != nil {
			t.Errorf("%q: %v, %v", rest, serr, err)
		}
		if !strings.HasPrefix(string(plain), string(rest)) {
			t.Errorf("%q holds another value", rest)
		}
		found[id]++
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range found {
		if n != crashRecords {
			t.Errorf("batch %v: %d of %d records", id, n, crashRecords)
		}
	}
	for id := range acked {
		if found[id] == 0 {
			t.Errorf("acknowledged batch %v is gone", id)
		}
	}
}
