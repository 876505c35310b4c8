package ens

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

// world is a chain with contracts written in Go. Real ones run in the labs.
type world struct {
	code  map[Address]func(data []byte) ([]byte, error)
	calls int
}

func (w *world) Call(_ context.Context, to [20]byte, data []byte) ([]byte, error) {
	w.calls++
	if f := w.code[to]; f != nil {
		return f(data)
	}
	return nil, nil
}

var (
	registryAt = Address{0: 0xee}
	plainAt    = Address{0: 1}
	wildAt     = Address{0: 2}
	offAt      = Address{0: 3}
)

func bytesOf(b []byte) []byte { return encode(selector{}, b)[4:] }

func offchain(sender Address, urls []string, data []byte, callback selector, extra []byte) []byte {
	var list []byte
	var tails []byte
	for _, u := range urls {
		at := number(uint64(word*len(urls) + len(tails)))
		list = append(list, at[:]...)
		size := number(uint64(len(u)))
		tails = append(append(tails, size[:]...), pad([]byte(u))...)
	}
	count := number(uint64(len(urls)))
	list = append(append(count[:], list...), tails...)
	var s, c [word]byte
	copy(s[12:], sender[:])
	copy(c[:], callback[:])
	size := func(b []byte) []byte {
		n := number(uint64(len(b)))
		return append(n[:], pad(append([]byte(nil), b...))...)
	}
	d, e := size(data), size(extra)
	at1, at2, at4 := number(5*word), number(uint64(5*word+len(list))), number(uint64(5*word+len(list)+len(d)))
	id := errOffchain()
	out := id[:]
	for _, w := range [][word]byte{s, at1, at2, c, at4} {
		out = append(out, w[:]...)
	}
	return append(append(append(out, list...), d...), e...)
}

func newWorld(t *testing.T, url string) *world {
	t.Helper()
	resolvers := map[Hash]Address{Namehash("plain.eth"): plainAt, Namehash("wild.eth"): wildAt, Namehash("off.eth"): offAt}
	yes := number(1)
	callback := selector{9, 9, 9, 9}
	w := &world{code: map[Address]func([]byte) ([]byte, error){}}
	w.code[registryAt] = func(d []byte) ([]byte, error) {
		var out [word]byte
		a := resolvers[Hash(d[4:])]
		copy(out[12:], a[:])
		return out[:], nil
	}
	w.code[plainAt] = func(d []byte) ([]byte, error) {
		switch selector(d[:4]) {
		case fnText():
			return bytesOf([]byte("salam")), nil
		case fnAddrOld():
			var out [word]byte
			out[31] = 7
			return out[:], nil
		case fnContenthash():
			return bytesOf(nil), nil
		}
		return nil, &RevertError{}
	}
	w.code[wildAt] = func(d []byte) ([]byte, error) {
		if selector(d[:4]) == fnSupports() {
			return yes[:], nil
		}
		r := &reader{b: d[4:]}
		name := r.bytes(0)
		return bytesOf(bytesOf([]byte("of " + string(name)))), r.err
	}
	w.code[offAt] = func(d []byte) ([]byte, error) {
		switch selector(d[:4]) {
		case fnSupports():
			return yes[:], nil
		case callback:
			r := &reader{b: d[4:]}
			answer, extra := r.bytes(0), r.bytes(1)
			if string(extra) != "extra" {
				return nil, &RevertError{}
			}
			return bytesOf(bytesOf(answer)), r.err
		}
		return nil, &RevertError{offchain(offAt, []string{url}, []byte("ask"), callback, []byte("extra"))}
	}
	return w
}

func TestResolve(t *testing.T) {
	r := &Resolver{Caller: newWorld(t, ""), Registry: registryAt}
	for _, tc := range []struct {
		name, text, of string
		err            error
	}{
		{"plain.eth", "salam", "plain.eth", nil},
		{"PLAIN.eth", "salam", "plain.eth", nil},
		{"below.plain.eth", "", "", wire.ErrNotFound},
		{"x.y.wild.eth", "of \x01x\x01y\x04wild\x03eth\x00", "wild.eth", nil},
		{"nobody.eth", "", "", wire.ErrNotFound},
		{"off.eth", "", "off.eth", ErrGateway},
		{"\u0633.eth", "", "", wire.ErrInvalid},
	} {
		f, err := r.Find(t.Context(), tc.name)
		text := ""
		if err == nil {
			text, err = r.Text(t.Context(), f, "pars.list")
		}
		if !errors.Is(err, tc.err) || text != tc.text || f != nil && f.Of != tc.of {
			t.Errorf("%s: %q, %+v, %v", tc.name, text, f, err)
		}
	}
	f, err := r.Find(t.Context(), "plain.eth")
	if err != nil {
		t.Fatal(err)
	}
	if a, err := r.Addr(t.Context(), f); a != (Address{19: 7}) || err != nil {
		t.Errorf("address %v, %v", a, err)
	}
	if _, err := r.Contenthash(t.Context(), f); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("content hash: %v", err)
	}
	if _, err := r.Coin(t.Context(), f, 0); err == nil {
		t.Error("a function that the resolver has not")
	}
	if _, err := (&Resolver{Caller: &world{}, Registry: registryAt}).Find(t.Context(), "eth"); !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("no registry: %v", err)
	}
}

// gate serves one handler by TLS, and returns a Web that trusts and reaches it.
func gate(t *testing.T, h http.HandlerFunc) (*Web, string) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	c := s.Client()
	c.CheckRedirect = NewWeb().Client.CheckRedirect
	return &Web{c}, s.URL
}

func TestOffchain(t *testing.T) {
	var seen string
	web, url := gate(t, func(w http.ResponseWriter, q *http.Request) {
		body, _ := io.ReadAll(q.Body)
		seen = q.Method + " " + q.URL.Path + " " + string(body)
		fmt.Fprintf(w, `{"data":"0x%x","ttl":5}`, "from afar")
	})
	for template, want := range map[string]string{
		url + "/g/{sender}/{data}.json": "GET /g/" + offAt.String() + "/0x61736b.json ",
		url + "/p":                      `POST /p {"data":"0x61736b","sender":"` + offAt.String() + `"}`,
	} {
		r := &Resolver{Caller: newWorld(t, template), Registry: registryAt, Gateway: web}
		f, err := r.Find(t.Context(), "off.eth")
		if err != nil {
			t.Fatal(err)
		}
		text, err := r.Text(t.Context(), f, "k")
		if text != "from afar" || err != nil || seen != want {
			t.Errorf("%q, %v; the gateway saw %q, want %q", text, err, seen, want)
		}
		if len(f.Offchain) != 1 || "https://"+f.Offchain[0] != url {
			t.Errorf("gateways %v", f.Offchain)
		}
	}
}

// A source says proven only of what the state itself holds, and looks for a name once.
func TestSource(t *testing.T) {
	web, url := gate(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"data":"0x%x"}`, "from afar") })
	w := newWorld(t, url)
	s := &Source{Resolver: &Resolver{Caller: w, Registry: registryAt, Gateway: web}, Proven: true}
	for name, proven := range map[string]bool{"plain.eth": true, "off.eth": false} {
		for range 2 {
			w.calls = 0
			if text, got, err := s.Text(t.Context(), name, "k"); text == "" || got != proven || err != nil {
				t.Errorf("%s: %q, proven %v, %v", name, text, got, err)
			}
		}
		if w.calls > 2 {
			t.Errorf("%s: %d calls the second time", name, w.calls)
		}
	}
	if _, proven, err := s.Text(t.Context(), "nobody.eth", "k"); proven || !errors.Is(err, wire.ErrNotFound) {
		t.Errorf("proven %v, %v", proven, err)
	}
	s = &Source{Resolver: s.Resolver}
	if _, proven, _ := s.Text(t.Context(), "plain.eth", "k"); proven {
		t.Error("a stranger's word is proven")
	}
}

// What a gateway or a contract does wrong costs one request and changes no answer.
func TestOffchainRefuses(t *testing.T) {
	asked := 0
	web, url := gate(t, func(w http.ResponseWriter, q *http.Request) {
		asked++
		switch q.URL.Path {
		case "/404":
			http.NotFound(w, q)
		case "/500":
			http.Error(w, "no", 500)
		case "/redirect":
			http.Redirect(w, q, "/good", http.StatusFound)
		case "/long":
			for range 40 {
				w.Write(bytes.Repeat([]byte(" "), 1<<16))
			}
		case "/text":
			io.WriteString(w, "hello")
		case "/nohex":
			io.WriteString(w, `{"data":"12"}`)
		default:
			io.WriteString(w, `{"data":"0x6f6b"}`)
		}
	})
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked++; io.WriteString(w, `{"data":"0x6f6b"}`) }))
	defer plain.Close()
	ask := func(revert []byte, g Gateway) (string, error) {
		w := newWorld(t, "")
		inner := w.code[offAt]
		w.code[offAt] = func(d []byte) ([]byte, error) {
			if selector(d[:4]) == fnResolve() {
				return nil, &RevertError{revert}
			}
			return inner(d)
		}
		r := &Resolver{Caller: w, Registry: registryAt, Gateway: g}
		f, err := r.Find(t.Context(), "off.eth")
		if err != nil {
			t.Fatal(err)
		}
		return r.Text(t.Context(), f, "k")
	}
	cb := selector{9, 9, 9, 9}
	lookup := func(urls ...string) []byte { return offchain(offAt, urls, []byte("q"), cb, []byte("extra")) }
	for name, tc := range map[string]struct {
		revert []byte
		asked  int
		ok     bool
	}{
		"good":           {lookup(url + "/good"), 1, true},
		"second":         {lookup(url+"/500", url+"/good"), 2, true},
		"refused":        {lookup(url+"/404", url+"/good"), 1, false},
		"redirect":       {lookup(url + "/redirect"), 1, false},
		"long":           {lookup(url + "/long"), 1, false},
		"no JSON":        {lookup(url + "/text"), 1, false},
		"no hex":         {lookup(url + "/nohex"), 1, false},
		"http":           {lookup(plain.URL), 0, false},
		"file":           {lookup("file:///etc/passwd"), 0, false},
		"user":           {lookup("https://a:b@" + strings.TrimPrefix(url, "https://")), 0, false},
		"no gateway":     {lookup(), 0, false},
		"many":           {lookup(strings.Split(strings.Repeat(url+",", 17), ",")...), 0, false},
		"another's name": {offchain(plainAt, []string{url}, nil, cb, []byte("extra")), 0, false},
		"cut":            {lookup(url)[:100], 0, false},
		"another error":  {[]byte{1, 2, 3, 4, 5}, 0, false},
	} {
		asked = 0
		text, err := ask(tc.revert, web)
		if (err == nil) != tc.ok || tc.ok != (text == "ok") || asked != tc.asked {
			t.Errorf("%s: %q, %v, %d requests", name, text, err, asked)
		}
	}
	if _, err := ask(lookup(url+"/good"), NewWeb()); err == nil || !errors.Is(err, ErrGateway) {
		t.Errorf("a gateway on loopback: %v", err)
	}
}

// A contract cannot send one from gateway to gateway for ever.
func TestOffchainHops(t *testing.T) {
	asked := 0
	web, url := gate(t, func(w http.ResponseWriter, q *http.Request) { asked++; io.WriteString(w, `{"data":"0x00"}`) })
	w := newWorld(t, url)
	w.code[offAt] = func(d []byte) ([]byte, error) {
		if selector(d[:4]) == fnSupports() {
			yes := number(1)
			return yes[:], nil
		}
		return nil, &RevertError{offchain(offAt, []string{url}, nil, selector{8}, nil)}
	}
	r := &Resolver{Caller: w, Registry: registryAt, Gateway: web}
	f, err := r.Find(t.Context(), "off.eth")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Text(t.Context(), f, "k"); !errors.Is(err, wire.ErrInvalid) || asked != maxHops {
		t.Errorf("%v after %d requests", err, asked)
	}
}

func TestPublicOnly(t *testing.T) {
	for addr, ok := range map[string]bool{"93.184.216.34:443": true, "[2606:2800::1]:443": true, "127.0.0.1:443": false, "10.1.2.3:443": false, "192.168.1.1:443": false,
		"169.254.169.254:80": false, "100.64.0.1:443": false, "[::1]:443": false, "[fe80::1]:443": false, "[fc00::1]:443": false, "[::ffff:127.0.0.1]:443": false, "0.0.0.0:443": false, "224.0.0.1:443": false} {
		if err := publicOnly("tcp", addr, nil); (err == nil) != ok {
			t.Errorf("%s: %v", addr, err)
		}
	}
}

func TestRPC(t *testing.T) {
	answers := map[string]string{"good": `{"result":"0x0102"}`, "revert": `{"error":{"code":3,"message":"execution reverted","data":"0xaabb"}}`,
		"bare": `{"error":{"code":3,"message":"execution reverted"}}`, "error": `{"error":{"code":-32000,"message":"no\u202e state"}}`, "empty": `{}`, "text": "hello", "odd": `{"result":"0x1"}`, "number": `{"result":7}`}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var v struct{ Method string }
		json.NewDecoder(q.Body).Decode(&v)
		if v.Method == "eth_chainId" {
			io.WriteString(w, `{"result":"0x7e7e"}`)
			return
		}
		io.WriteString(w, answers[q.URL.Path[1:]])
	}))
	defer s.Close()
	for name := range answers {
		b, err := (&RPC{URL: s.URL + "/" + name}).Call(t.Context(), plainAt, []byte{1})
		var revert *RevertError
		isRevert := errors.As(err, &revert)
		switch name {
		case "good":
			if !bytes.Equal(b, []byte{1, 2}) || err != nil {
				t.Errorf("%x, %v", b, err)
			}
		case "revert", "bare":
			if !isRevert || len(revert.Data) != map[string]int{"revert": 2}[name] {
				t.Errorf("%s: %v", name, err)
			}
		default:
			if err == nil || isRevert {
				t.Errorf("%s: %x, %v", name, b, err)
			}
		}
	}
	if id, err := (&RPC{URL: s.URL}).ChainID(t.Context()); id != 0x7e7e || err != nil {
		t.Errorf("chain %d, %v", id, err)
	}
}

func wrapped(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, wire.ErrInvalid) {
		t.Fatal(err)
	}
}

func FuzzDecodeOffchain(f *testing.F) {
	f.Add(offchain(offAt, []string{"https://a/{data}", "https://b"}, []byte("d"), selector{1}, []byte("e")))
	f.Fuzz(func(t *testing.T, b []byte) {
		o, ok, err := DecodeOffchain(b)
		wrapped(t, err)
		if ok && err == nil && len(o.URLs) > maxURLs {
			t.Fatal("too many gateways")
		}
	})
}

func FuzzDecodeBytes(f *testing.F) {
	f.Add(bytesOf([]byte("x")))
	f.Fuzz(func(t *testing.T, b []byte) {
		out, err := DecodeBytes(b)
		wrapped(t, err)
		if len(out) > len(b) {
			t.Fatal("more than there was")
		}
	})
}

func FuzzDecodeContent(f *testing.F) {
	f.Add([]byte{0xe3, 1, 1, 0x70, 0x12, 0x20, 31: 1})
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := DecodeContent(b)
		wrapped(t, err)
	})
}

func FuzzParseGateway(f *testing.F) {
	f.Add([]byte(`{"data":"0x00"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := ParseGateway(b)
		wrapped(t, err)
	})
}

func FuzzParseRPC(f *testing.F) {
	f.Add([]byte(`{"result":"0x00"}`))
	f.Add([]byte(`{"error":{"code":3,"data":"0x00"}}`))
	f.Fuzz(func(t *testing.T, b []byte) { ParseRPC(b) })
}

func FuzzParseAddress(f *testing.F) {
	f.Add(offAt.String())
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddress(s)
		wrapped(t, err)
		if err == nil && a.String() != strings.ToLower(s) {
			t.Fatal("another address")
		}
	})
}

func FuzzNormalize(f *testing.F) {
	f.Add("Nick.eth")
	f.Add("\u0441\u0430.eth")
	f.Fuzz(func(t *testing.T, s string) {
		clean, err := Normalize(s)
		wrapped(t, err)
		if err != nil {
			return
		}
		if again, err := Normalize(clean); again != clean || err != nil {
			t.Fatalf("%q is not final", clean)
		}
		if clean != strings.ToLower(s) {
			t.Fatalf("%q became %q", s, clean)
		}
	})
}
