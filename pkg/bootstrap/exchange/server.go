package exchange

import (
	"crypto/x509"
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// Kinds of a server.
const (
	Do53 = "do53" // UDP, and TCP for what does not fit
	TCP  = "tcp"
	DoT  = "dot" // RFC 7858
	DoH  = "doh" // RFC 8484
)

// Server is where and how to ask.
type Server struct {
	Kind string
	Dial string // host:port that is connected to
	SNI  string // name in TLS; the certificate must be for it
	Host string // of the HTTP request
	Path string // of the HTTP request
	SPKI []byte // SHA-256 of the public key that the certificate must have; then no authority is asked
	ECH  []byte // an ECHConfigList; then SNI travels encrypted
	// HideName wants an ECH to be found before the server is asked; without one it is not asked.
	HideName bool
	// Roots are the authorities that are believed; nil: those of the system.
	Roots *x509.CertPool
}

// Encrypted tells whether a listener on the way reads neither questions nor answers.
func (s Server) Encrypted() bool { return s.Kind == DoT || s.Kind == DoH }

// String is the server as ParseServer reads it, without options.
func (s Server) String() string {
	switch s.Kind {
	case TCP:
		return "tcp://" + s.Dial
	case DoT:
		return "tls://" + s.Dial
	case DoH:
		return "https://" + s.Host + s.Path
	}
	return s.Dial
}

// ParseServer reads ADDR[:PORT], tcp://ADDR, tls://ADDR or https://HOST/PATH. Options follow a #, with & between them: dial=ADDR:PORT to
// connect elsewhere, sni=NAME for another name in TLS, spki=BASE64, ech=BASE64 or ech=auto. Errors wrap wire.ErrInvalid.
func ParseServer(text string) (Server, error) {
	bad := func(why string) (Server, error) { return Server{}, wire.Invalid("server %q: %s", text, why) }
	if len(text) > 4096 {
		return Server{}, wire.Invalid("server of %d characters", len(text))
	}
	main, options, _ := strings.Cut(text, "#")
	s := Server{Kind: Do53}
	scheme, rest, ok := strings.Cut(main, "://")
	if !ok {
		scheme, rest = "udp", main
	}
	port := "53"
	switch scheme {
	case "udp":
	case "tcp":
		s.Kind = TCP
	case "tls":
		s.Kind, port = DoT, "853"
	case "https":
		s.Kind, port = DoH, "443"
		u, err := url.Parse(main)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" {
			return bad("not https://HOST/PATH")
		}
		if s.Host, s.Path, rest = u.Host, u.EscapedPath(), u.Host; s.Path == "" {
			s.Path = "/dns-query"
		}
	default:
		return bad("the scheme is none of udp, tcp, tls, https")
	}
	host, p, err := hostPort(rest, port)
	if err != nil {
		return bad("not an address with or without a port")
	}
	s.Dial, s.SNI = net.JoinHostPort(host, p), host
	if err := s.options(options); err != nil {
		return bad(err.Error())
	}
	if _, err := netip.ParseAddr(host); err != nil && !s.Encrypted() {
		return bad("a server is named by its address: its name would have to be looked up first")
	}
	return s, nil
}

func hostPort(s, port string) (string, string, error) {
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return ip.String(), port, nil
	}
	if !strings.Contains(s, ":") {
		s += ":" + port
	}
	host, p, err := net.SplitHostPort(s)
	if err == nil && (host == "" || p == "" || strings.ContainsAny(host+p, " /\t")) {
		err = wire.ErrInvalid
	}
	return host, p, err
}

func (s *Server) options(text string) error {
	q, err := url.ParseQuery(strings.ReplaceAll(text, "+", "%2B"))
	if err != nil {
		return err
	}
	for key, values := range q {
		v := values[0]
		switch key {
		case "dial":
			host, port, err := hostPort(v, "443")
			if err != nil {
				return err
			}
			s.Dial = net.JoinHostPort(host, port)
		case "sni":
			s.SNI = v
		case "spki":
			if s.SPKI, err = base64.StdEncoding.DecodeString(v); err != nil || len(s.SPKI) != 32 {
				return wire.Invalid("spki is not base64 of 32 bytes")
			}
		case "ech":
			if v == "auto" {
				s.HideName = true
				continue
			}
			if s.ECH, err = base64.StdEncoding.DecodeString(v); err != nil || len(s.ECH) == 0 {
				return wire.Invalid("ech is not base64")
			}
		default:
			return wire.Invalid("option %q is none of dial, sni, spki, ech", key)
		}
	}
	return nil
}
