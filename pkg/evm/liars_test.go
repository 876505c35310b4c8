package evm_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/evm/evmtest"
	"github.com/pars-network/pars/pkg/evm/light"
)

// foreign is a chain like ours, whose validators sign under another genesis.
func foreign(events map[int][]byte) *evmtest.Chain {
	c := evmtest.NewEvents(150, chain().Spec.GenesisTime, events)
	c.Spec.GenesisRoot = light.Root{8}
	return c
}

// Servers that are wrong as a whole, not in one answer: each is refused, says why, and is of no weight beside an honest one.
func TestLyingServers(t *testing.T) {
	for name, c := range map[string]struct {
		bend func(*lab)
		says string
	}{
		"foreign genesis":       {func(l *lab) { l.beacon.Chain = foreign(nil) }, "signature"},
		"valid other chain":     {func(l *lab) { l.beacon.Chain = foreign(map[int][]byte{5: {1}}) }, "status 404: source has none"},
		"only 500":              {func(l *lab) { l.beacon.Status = http.StatusInternalServerError }, "status 500"},
		"only 503":              {func(l *lab) { l.beacon.Status = http.StatusServiceUnavailable }, "status 503"},
		"empty list of updates": {noUpdates, "source has none"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			want, err := asked(t, newLab(t, 140).client(40))
			if err != nil {
				t.Fatal(err)
			}
			liar := newLab(t, 140)
			c.bend(liar)
			if got, err := asked(t, liar.client(40)); err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%q, %v; must say %q", got, err, c.says)
			}
			if got, err := asked(t, liar.client(40, newLab(t, 140))); err != nil || got != want {
				t.Errorf("beside an honest server: %s, %v", got, err)
			}
		})
	}
}

// noUpdates answers each question for updates with an empty list.
func noUpdates(l *lab) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/updates") {
			w.Header().Set("Content-Type", "application/octet-stream")
			return
		}
		l.beacon.ServeHTTP(w, r)
	}))
	l.t.Cleanup(s.Close)
	l.urls[0] = s.URL
}

// A price that a server names a million times too high harms nobody: none is asked for.
func TestNoPriceIsAsked(t *testing.T) {
	l := newLab(t, 140)
	l.rpc.Bend = func(m string, _ []json.RawMessage, v any) any {
		switch m {
		case "eth_gasPrice", "eth_maxPriorityFeePerGas", "eth_feeHistory", "eth_blobBaseFee":
			t.Errorf("%s is asked", m)
		}
		return v
	}
	c := l.synced(120)
	if _, err := asked(t, c); err != nil {
		t.Fatal(err)
	}
	if fee, want := c.BaseFee(), chain().Blocks[140].BaseFee(); fee.Cmp(want) != 0 && fee.Cmp(chain().Blocks[139].BaseFee()) != 0 {
		t.Errorf("base fee %v, that of the head is %v", fee, want)
	}
}
