package ens

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// Limits of an answer from off the chain (EIP-3668).
const (
	maxHops = 4 // gateways after one another
	maxURLs = 16
	maxURL  = 2048
)

// ErrGateway says that no gateway gave what the contract asks for.
var ErrGateway = errors.New("no gateway answered")

// Gateway asks one server that a contract names. sender and data are as the contract gave them, the answer is what the contract
// is called with. Refused says that the server has answered that it will not, so that no other is asked.
type Gateway interface {
	Fetch(ctx context.Context, url string, sender Address, data []byte) (answer []byte, refused bool, err error)
}

// Offchain is the error OffchainLookup of a contract.
type Offchain struct {
	Sender   Address
	URLs     []string
	Data     []byte // for the gateway
	Callback [4]byte
	Extra    []byte
}

// DecodeOffchain reads the bytes that a contract reverted with. ok is false where they are another error. Errors wrap wire.ErrInvalid.
func DecodeOffchain(b []byte) (o *Offchain, ok bool, err error) {
	sel := errOffchain()
	if !bytes.HasPrefix(b, sel[:]) {
		return nil, false, nil
	}
	if len(b) > MaxReturn {
		return nil, true, wire.Invalid("off-chain look-up of %d bytes, at most %d", len(b), MaxReturn)
	}
	r := &reader{b: b[len(sel):]}
	o = &Offchain{Sender: r.address(0), Data: r.bytes(2), Extra: r.bytes(4)}
	w := r.word(3)
	copy(o.Callback[:], w[:])
	if [28]byte(w[4:]) != [28]byte{} {
		r.fail("the callback is no function")
	}
	list := r.at(1)
	n := list.small(0)
	if n > maxURLs {
		r.fail("%d gateways, at most %d", n, maxURLs)
	}
	if list.err == nil {
		list.b = list.b[word:]
	}
	for i := 0; i < n && r.err == nil && list.err == nil; i++ {
		u := list.bytes(i)
		if len(u) > maxURL {
			r.fail("the URL of a gateway has %d bytes, at most %d", len(u), maxURL)
		}
		o.URLs = append(o.URLs, string(u))
	}
	if err := errors.Join(r.err, list.err); err != nil {
		return nil, true, err
	}
	return o, true, nil
}

// call is Caller.Call, and goes off the chain and back where the contract says so.
func (r *Resolver) call(ctx context.Context, f *Found, to Address, data []byte) ([]byte, error) {
	for hop := 0; ; hop++ {
		b, err := r.Caller.Call(ctx, to, data)
		if err == nil && len(b) > MaxReturn {
			err = wire.Invalid("answer of %d bytes, at most %d", len(b), MaxReturn)
		}
		gave, ok := reverted(err)
		if !ok {
			return b, err
		}
		o, ok, bad := DecodeOffchain(gave)
		switch {
		case !ok:
			return nil, err
		case bad != nil:
			return nil, bad
		case o.Sender != to:
			return nil, wire.Invalid("%v asks for an answer in the name of %v", to, o.Sender)
		case r.Gateway == nil:
			return nil, fmt.Errorf("%w: the name is answered off the chain, and that is switched off", ErrGateway)
		case hop >= maxHops:
			return nil, wire.Invalid("more than %d gateways after one another", maxHops)
		}
		answer, err := r.fetch(ctx, f, o)
		if err != nil {
			return nil, err
		}
		data = encode(o.Callback, answer, o.Extra)
	}
}

// fetch asks the gateways in their order.
func (r *Resolver) fetch(ctx context.Context, f *Found, o *Offchain) ([]byte, error) {
	errs := []error{ErrGateway}
	for _, u := range o.URLs {
		answer, refused, err := r.Gateway.Fetch(ctx, u, o.Sender, o.Data)
		if err == nil {
			f.Offchain = append(f.Offchain, host(u))
			return answer, nil
		}
		errs = append(errs, fmt.Errorf("gateway %s: %w", host(u), err))
		if refused || ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

func host(u string) string {
	p, err := url.Parse(strings.NewReplacer("{", "%7B", "}", "%7D").Replace(u))
	if err != nil || p.Host == "" {
		return "?"
	}
	return p.Host
}
