// Package serve offers the verified chain as JSON-RPC on loopback, for wallets and programs that know nothing of
// proofs.
//
// Every answer is computed from what was verified, or refused: -32010 does not verify, -32011 cannot be proven by
// design, -32012 not synced, -32013 another chain. Nothing is passed through. Requests whose Host is no name of this
// machine, or whose Origin is a page of another, are refused: a web page could else reach the port.
package serve

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/rpc"

	"github.com/pars-network/pars/pkg/evm"
)

const (
	maxRequest = 1 << 20
	maxBatch   = 100
	maxAnswer  = 32 << 20
	headerTime = 10 * time.Second
)

// Server answers on one listener. Set the fields, then Start.
type Server struct {
	Client *evm.Client
	Listen net.Listener
	// Version is what web3_clientVersion says.
	Version string
	// Wallet signs, after a person was asked; nil: eth_accounts and all that signs are not there.
	Wallet *Wallet

	rpc    *rpc.Server
	http   *http.Server
	news   news
	cancel context.CancelFunc
	wg     sync.WaitGroup
	failed error
}

// Start follows the chain and answers, until Close. Listen must be an address of this machine.
func (s *Server) Start() error {
	if err := Loopback(s.Listen); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.cancel, s.rpc = cancel, NewRPC()
	api := &ethAPI{c: s.Client, news: &s.news, ctx: ctx, wg: &s.wg, now: s.Client.Now}
	services := []service{{"eth", api}, {"net", &netAPI{s.Client}}, {"web3", &web3API{s.Version}}}
	if s.Wallet != nil {
		w := &walletAPI{Wallet: s.Wallet, eth: api}
		services = append(services, service{"eth", w}, service{"personal", &personalAPI{w}})
	}
	for _, v := range services {
		if err := s.rpc.RegisterName(v.name, v.recv); err != nil {
			return err
		}
	}
	s.http = &http.Server{Handler: Handler(s.rpc), ReadHeaderTimeout: headerTime}
	s.wg.Go(func() { _ = s.http.Serve(s.Listen) })
	s.wg.Go(func() {
		err := s.Client.Follow(ctx, func(evm.Head) { s.news.tell() })
		if ctx.Err() == nil {
			s.failed = err
		}
		s.news.close()
	})
	return nil
}

type service struct {
	name string
	recv any // its exported methods are the calls
}

// Done is closed when the chain cannot be followed any further.
func (s *Server) Done() <-chan struct{} { return s.news.end() }

// Close stops answering and waits. It returns why the chain could not be followed, if that was so.
func (s *Server) Close() error {
	s.cancel()
	s.rpc.Stop()
	err := s.http.Close()
	s.wg.Wait()
	return errors.Join(s.failed, err)
}

// news wakes those who wait for the next head. The zero value is ready.
type news struct {
	mu     sync.Mutex // guards wait and ended
	wait   chan struct{}
	ended  chan struct{}
	closed bool
}

func (n *news) next() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wait == nil {
		n.wait = make(chan struct{})
	}
	return n.wait
}

func (n *news) tell() {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.wait != nil {
		close(n.wait)
		n.wait = nil
	}
}

func (n *news) end() <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ended == nil {
		n.ended = make(chan struct{})
		if n.closed {
			close(n.ended)
		}
	}
	return n.ended
}

func (n *news) close() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	if n.ended != nil {
		close(n.ended)
	}
}
