package serve

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/wire"
)

// Loopback is an error for a listener that others than this machine can reach.
func Loopback(l net.Listener) error {
	host, _, err := net.SplitHostPort(l.Addr().String())
	if err != nil || !net.ParseIP(host).IsLoopback() {
		return wire.Invalid("%v is not a loopback address", l.Addr())
	}
	return nil
}

// NewRPC is a server of JSON-RPC with the limits of this package.
func NewRPC() *rpc.Server {
	s := rpc.NewServer()
	s.SetBatchLimits(maxBatch, maxAnswer)
	s.SetHTTPBodyLimit(maxRequest)
	return s
}

// Handler answers programs of this machine, over HTTP and web sockets, and refuses pages of other sites.
func Handler(s *rpc.Server) http.Handler { return guard(route(s)) }

// route sends a web socket to the one handler and a plain request to the other.
func route(s *rpc.Server) http.Handler {
	ws := s.WebsocketHandler([]string{"*"}) // guard has looked at the origin
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.EqualFold(r.Header.Get("Upgrade"), "websocket") {
			ws.ServeHTTP(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxRequest)
		s.ServeHTTP(w, r)
	})
}

// guard stops pages of other sites, which a browser lets send to loopback.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !local(r.Host) {
			http.Error(w, "host is not this machine", http.StatusForbidden)
			return
		}
		if o := r.Header.Get("Origin"); o != "" {
			u, err := url.Parse(o)
			if err != nil || !local(u.Host) {
				http.Error(w, "origin is not this machine", http.StatusForbidden)
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

func local(hostport string) bool {
	host := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		host = h
	}
	return slices.Contains([]string{"localhost", "127.0.0.1", "::1", "[::1]"}, host)
}
