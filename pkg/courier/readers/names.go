package readers

import (
	"bytes"
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/dnssec"
	"github.com/pars-network/pars/pkg/bootstrap/hns"
	"github.com/pars-network/pars/pkg/courier"
	"github.com/pars-network/pars/pkg/wire"
)

// checkNames verifies a chain of records up to the root keys, or a proof of a Handshake name.
func (h Home) checkNames(b []byte, now time.Time) error {
	if bytes.HasPrefix(b, []byte("PHN1")) {
		return h.checkSlip(b)
	}
	chain, err := dnssec.DecodeChain(b)
	if err != nil {
		return err
	}
	if h.Profile == nil || h.Profile.Bootstrap == nil || len(h.Profile.Bootstrap.DNS.Anchors) == 0 {
		return courier.Cannot("the profile names no keys of the root")
	}
	keys, err := dnssec.ParseAnchors([]byte(strings.Join(h.Profile.Bootstrap.DNS.Anchors, "\n")), now)
	if err == nil {
		_, _, err = chain.Verify(keys, now)
	}
	return err
}

// checkSlip verifies a proof against the headers that pars-bootstrap hns sync keeps.
func (h Home) checkSlip(b []byte) error {
	s, err := hns.DecodeSlip(b)
	if err != nil {
		return err
	}
	n, err := hns.LoadNetwork("main")
	if err != nil || h.Files == nil {
		return courier.Cannot("no headers of Handshake are held here")
	}
	kept, err := h.Files.ReadFile("cache/hns-" + n.ID().String()[:8])
	if errors.Is(err, fs.ErrNotExist) {
		return courier.Cannot("no headers of Handshake are held here: pars-bootstrap hns sync")
	}
	var chain *hns.Chain
	if err == nil {
		chain, err = hns.DecodeState(n, kept)
	}
	if err != nil {
		return courier.Cannot("the headers of Handshake: %v", err)
	}
	a, err := s.Check(chain)
	if a == nil && errors.Is(err, wire.ErrNotFound) {
		return courier.Cannot("%v", err)
	}
	if a != nil {
		return nil // a name that is proven absent is an answer
	}
	return err
}
