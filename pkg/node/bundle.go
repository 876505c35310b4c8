package node

import (
	"net/http"

	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/courier/readers"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/store"
)

// Courier returns what packs and takes bundles on this home.
func (h *Home) Courier() (*courier.Courier, error) {
	home := readers.Home{Profile: h.cfg.Profile, Memory: settings{h}, Files: store.OS(h.cfg.Dir)}
	h.chain.reads(&home)
	cfg := courier.Config{Dir: h.cfg.Dir, Store: h.store, Sessions: h.Sessions, Cards: h.Cards, DEK: h.keys.Keys.DEK, Clock: h.cfg.Clock, Rand: h.cfg.Rand,
		Readers: readers.Of(home), Own: h.chain.carries}
	if cert, err := identity.DecodeCert(h.keys.Keys.Cert); err == nil {
		d := cert.Device()
		copy(cfg.Who[:], d[:])
	}
	return courier.New(cfg)
}

// serveBundles answers pars-bundle on the socket.
func (h *Home) serveBundles() http.Handler {
	c, err := h.Courier()
	if err != nil {
		return http.NotFoundHandler()
	}
	return courier.Handler(c)
}
