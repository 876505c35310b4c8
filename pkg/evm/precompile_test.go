package evm_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"filippo.io/mldsa"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"

	"github.com/pars-network/pars/pkg/evm"
	"github.com/pars-network/pars/pkg/profile"
)

// verifier is the precompile as a chain would have it: mode | key | u256 length | signature | message.
func verifier(in []byte) []byte {
	word := make([]byte, 32)
	p := mldsa.MLDSA65()
	const key, sig = 1952, 3309
	if len(in) < 1+key+32+sig || in[0] != 0x65 {
		return word
	}
	pk, err := mldsa.NewPublicKey(p, in[1:1+key])
	rest := in[1+key+32:]
	if err == nil && mldsa.Verify(pk, rest[sig:], rest[:sig], nil) == nil {
		word[31] = 1
	}
	return word
}

func TestProbes(t *testing.T) {
	at := map[string]string{"mldsa65": "0x0000000000000000000000000000000000000601", "mldsa44": "0x0000000000000000000000000000000000000602",
		"mldsa87": "0x0000000000000000000000000000000000000603", "mlkem-keygen": "0x0000000000000000000000000000000000000604",
		"sum": "0x0000000000000000000000000000000000000002", "other": "0x0000000000000000000000000000000000000605"}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var raw json.RawMessage
		_ = json.NewDecoder(r.Body).Decode(&raw)
		var batch []struct {
			ID     int
			Method string
			Params []json.RawMessage
		}
		if json.Unmarshal(raw, &batch) != nil {
			fmt.Fprint(w, `{"jsonrpc":"2.0","id":0,"result":"0x5"}`) // the chain id
			return
		}
		var out []string
		for _, q := range batch {
			var m struct {
				To   common.Address
				Data hexutil.Bytes
			}
			_ = json.Unmarshal(q.Params[0], &m)
			var b hexutil.Bytes
			switch m.To {
			case common.HexToAddress(at["mldsa65"]):
				b = verifier(m.Data)
			case common.HexToAddress(at["mldsa44"]): // says yes to all
				b = make([]byte, 32)
				b[31] = 1
			case common.HexToAddress(at["sum"]):
				b = hexutil.Bytes{m.Data[0] + 1}
			case common.HexToAddress(at["mlkem-keygen"]):
				t.Error("a precompile that takes a secret was called")
			}
			out = append(out, fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":%q}`, q.ID, b.String()))
		}
		fmt.Fprintf(w, "[%s]", strings.Join(out, ","))
	}))
	defer s.Close()
	p := &profile.Profile{Name: "lab", ChainID: 5, Chain: &profile.Chain{Finality: profile.FinalityNone}}
	for _, key := range []string{"mldsa65", "mldsa44", "mldsa87", "mlkem-keygen", "sum", "other"} {
		c := profile.Precompile{Key: key, Address: at[key]}
		if key == "sum" {
			c.In, c.Out = "0x05", "0x06"
		}
		p.Chain.Precompiles = append(p.Chain.Precompiles, c)
	}
	c := &evm.Client{Profile: p, Now: time.Now, RPCs: []*evm.RPC{{URL: s.URL, HTTP: http.DefaultClient}}}
	list, err := c.Probes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "one wrong bit", "answers", "secret", "", "no known question"} {
		if g := list[i]; g.Present != (want == "") || !strings.Contains(g.Why, want) {
			t.Errorf("%s: %+v", g.Key, g)
		}
	}
	p.ChainID = 6
	if _, err := c.Probes(t.Context()); err == nil || !strings.Contains(err.Error(), "another chain") {
		t.Errorf("another chain: %v", err)
	}
}
