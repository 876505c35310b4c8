package exchange

import (
	"errors"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

func TestParseServer(t *testing.T) {
	for text, want := range map[string]Server{
		"9.9.9.9":                            {Kind: Do53, Dial: "9.9.9.9:53", SNI: "9.9.9.9"},
		"127.0.0.1:5300":                     {Kind: Do53, Dial: "127.0.0.1:5300", SNI: "127.0.0.1"},
		"2620:fe::fe":                        {Kind: Do53, Dial: "[2620:fe::fe]:53", SNI: "2620:fe::fe"},
		"[2620:fe::fe]:53":                   {Kind: Do53, Dial: "[2620:fe::fe]:53", SNI: "2620:fe::fe"},
		"tcp://9.9.9.9":                      {Kind: TCP, Dial: "9.9.9.9:53", SNI: "9.9.9.9"},
		"tls://9.9.9.9#sni=dns.quad9.net":    {Kind: DoT, Dial: "9.9.9.9:853", SNI: "dns.quad9.net"},
		"https://dns.example/q#dial=9.9.9.9": {Kind: DoH, Dial: "9.9.9.9:443", SNI: "dns.example", Host: "dns.example", Path: "/q"},
	} {
		got, err := ParseServer(text)
		if err != nil || got.Kind != want.Kind || got.Dial != want.Dial || got.SNI != want.SNI || got.Host != want.Host || got.Path != want.Path {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, s := range []string{"", "a.example", "ftp://9.9.9.9", "https://", "https://u@a/b", "https://a/b?c", "9.9.9.9:", "9.9.9.9#x=1", "tls://9.9.9.9#spki=AAAA",
		"tls://9.9.9.9#ech=", "tls://a b"} {
		if got, err := ParseServer(s); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %+v, %v", s, got, err)
		}
	}
}

func FuzzParseServer(f *testing.F) {
	f.Add("https://dns.example/q#dial=9.9.9.9&sni=a")
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := ParseServer(s); err == nil && (got.Dial == "" || got.Kind == "") {
			t.Errorf("%q: %+v", s, got)
		}
	})
}
