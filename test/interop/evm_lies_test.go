//go:build interop

package interop

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// lies puts a proxy that bends answers before each of the two servers.
func (l *evmLab) lies(t *testing.T, root string) {
	flip := func(pattern string) func([]byte) []byte { // another last digit
		re := regexp.MustCompile(pattern)
		return func(b []byte) []byte {
			return re.ReplaceAllFunc(b, func(m []byte) []byte {
				out := append([]byte{}, m...)
				if out[len(out)-1] = '0'; m[len(m)-1] == '0' {
					out[len(out)-1] = '1'
				}
				return out
			})
		}
	}
	balance := func(home string, args ...string) (string, string, int) {
		return l.runIn(t.Context(), home, l.profile, append([]string{"balance", "0x00000000000000000000000000000000000000aa", "--checkpoint", root}, args...)...)
	}
	want, _, _ := balance(t.TempDir())
	for name, lie := range map[string]struct {
		path string // of the beacon API; empty: JSON-RPC
		bend func([]byte) []byte
		says string
	}{
		"signature":  {"_update", flip(`"sync_committee_signature":"0x..`), "signature"},
		"signers":    {"_update", flip(`"sync_committee_bits":"0x..`), "signature"},
		"block hash": {"light_client", flip(`"block_hash":"0x..`), "execution header"},
		"branch":     {"light_client", flip(`_branch":\["0x..`), "branch"},
		"state root": {"light_client", flip(`"state_root":"0x..`), ""},
		"committee":  {"bootstrap", flip(`"aggregate_pubkey":"0x..`), "current committee"},
		"truncated":  {"light_client", func(b []byte) []byte { return b[:len(b)/2] }, "JSON"},
		"endless":    {"light_client", func(b []byte) []byte { return append(bytes.Repeat([]byte(" "), 64<<20), b...) }, ""},
		"not JSON":   {"light_client", func([]byte) []byte { return []byte("<html>blocked</html>") }, "JSON"},
		"proof node": {"", flip(`"accountProof":\["0x.{40}`), "proof"},
		"proof empty": {"", func(b []byte) []byte {
			return regexp.MustCompile(`"accountProof":\[[^\]]*\]`).ReplaceAll(b, []byte(`"accountProof":[]`))
		}, "0 nodes"},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			up := l.beacon
			if lie.path == "" {
				up = l.rpc
			}
			p := httptest.NewServer(bending(up, lie.path, lie.bend))
			defer p.Close()
			flag := "--beacon"
			if lie.path == "" {
				flag = "--rpc"
			}
			bent := l.withServers(t, flag, p.URL)
			out, errs, code := l.runIn(t.Context(), t.TempDir(), bent, "balance", "0x00000000000000000000000000000000000000aa", "--checkpoint", root)
			if out != "" && out != want {
				t.Errorf("took the lie: %q, want %q", out, want)
			}
			if code != 6 || !strings.Contains(errs, lie.says) {
				t.Errorf("exit %d: %s", code, errs)
			}
			if out, errs, _ := balance(t.TempDir(), flag, p.URL); out != want { // before the honest one of the profile
				t.Errorf("beside the honest one: %q, %s", out, errs)
			}
		})
	}
}

// withServers is the lab's profile with one server in place of all of its kind.
func (l *evmLab) withServers(t *testing.T, flag, url string) string {
	t.Helper()
	b, err := os.ReadFile(l.profile)
	if err != nil {
		t.Fatal(err)
	}
	old := l.beacon
	if flag == "--rpc" {
		old = l.rpc
	}
	name := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(name, bytes.ReplaceAll(b, []byte(`"`+old+`"`), []byte(`"`+url+`"`)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// bending passes requests on and bends the answers of paths that contain a word.
func bending(up, word string, bend func([]byte) []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		req, err := http.NewRequestWithContext(r.Context(), r.Method, up+r.URL.RequestURI(), r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		req.Header = r.Header.Clone()
		req.Header.Del("Accept-Encoding")
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		if strings.Contains(r.URL.Path, word) {
			b = bend(b)
		}
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = w.Write(b)
	}
}

// refusals are what goes wrong without a lie; each says what it is and what to do.
func (l *evmLab) refusals(t *testing.T, root string) {
	down := l.withServers(t, "--beacon", "http://127.0.0.1:1")
	none := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var q struct{ ID json.RawMessage }
		_ = json.NewDecoder(r.Body).Decode(&q)
		fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,"error":{"code":-32601,"message":"the method eth_getProof does not exist/is not available"}}`, q.ID)
	}))
	defer none.Close()
	b, err := os.ReadFile(l.profile)
	if err != nil {
		t.Fatal(err)
	}
	short := filepath.Join(t.TempDir(), "profile.json")
	if err := os.WriteFile(short, bytes.ReplaceAll(b, []byte(`"ws_period": 86400`), []byte(`"ws_period": 20`)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		profile string
		args    []string
		code    int
		says    []string
	}{
		"no checkpoint":        {l.profile, []string{"sync"}, 4, []string{"--checkpoint ROOT"}},
		"beacon API down":      {down, []string{"sync", "--checkpoint", root}, 1, []string{"127.0.0.1:1", "refused"}},
		"no eth_getProof":      {l.withServers(t, "--rpc", none.URL), []string{"balance", labRich, "--checkpoint", root}, 1, []string{"eth_getProof", "--rpc"}},
		"checkpoint too old":   {short, []string{"sync", "--checkpoint", root}, 6, []string{"old, at most 20s", "--checkpoint", "card"}},
		"unknown checkpoint":   {l.profile, []string{"sync", "--checkpoint", "0x" + strings.Repeat("ab", 32)}, 1, []string{"none yet"}},
		"profile without one":  {"pars-2026", []string{"balance", labRich}, 1, []string{"publishes no proof"}},
		"not a transaction":    {l.profile, []string{"receipt", "0x" + strings.Repeat("ab", 32), "--checkpoint", root}, 1, []string{"cannot be proven"}},
		"an address mistyped":  {l.profile, []string{"balance", "0x71562b71999873Db5b286dF957af199Ec94617F7"}, 2, []string{"checksum"}},
		"head of another home": {l.profile, []string{"head"}, 4, []string{"checkpoint"}},
	} {
		t.Run(strings.ReplaceAll(name, " ", "_"), func(t *testing.T) {
			out, errs, code := l.runIn(t.Context(), t.TempDir(), c.profile, c.args...)
			if code != c.code || out != "" {
				t.Errorf("exit %d, want %d: %s%s", code, c.code, out, errs)
			}
			for _, s := range c.says {
				if !strings.Contains(errs, s) {
					t.Errorf("%q does not say %q", errs, s)
				}
			}
		})
	}
}
