//go:build parsfull

package full

import (
	"fmt"
	"net/http"
	"time"

	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm/serve"
)

// web3API is the one namespace that go-ethereum leaves to the program.
type web3API struct{ version string }

// ClientVersion names the program.
func (a *web3API) ClientVersion() string { return a.version }

// serve answers JSON-RPC on loopback: what reads the chain and what sends a transaction. There are no accounts, and
// nothing that governs the node.
func (n *Node) serve() error {
	if n.HTTP == nil {
		return nil
	}
	if serve.Loopback(n.HTTP) != nil {
		return fmt.Errorf("JSON-RPC at %v, which is not this machine alone: %w", n.HTTP.Addr(), ErrSetting)
	}
	s := serve.NewRPC()
	apis := append(n.eth.APIs(), rpc.API{Namespace: "web3", Service: &web3API{n.Version}},
		rpc.API{Namespace: "eth", Service: filters.NewFilterAPI(filters.NewFilterSystem(n.eth.APIBackend, filters.Config{}))})
	for _, a := range apis {
		switch a.Namespace {
		case "eth", "net", "web3":
			if err := s.RegisterName(a.Namespace, a.Service); err != nil {
				return err
			}
		}
	}
	n.http = &http.Server{Handler: n.current(serve.Handler(s)), ReadHeaderTimeout: 10 * time.Second}
	n.wg.Go(func() {
		_ = n.http.Serve(n.HTTP)
		s.Stop()
	})
	return nil
}

// maxBehind is by how many blocks the executed one may be behind the signed one: it has to be executed first.
const maxBehind = 2

// current refuses questions while an answer would come from an old block.
func (n *Node) current(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := n.Status()
		_, _, err := n.Client.Heads()
		if err == nil && s.Block+maxBehind < s.Head {
			err = fmt.Errorf("not synced: %v", s)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		next.ServeHTTP(w, r)
	})
}
