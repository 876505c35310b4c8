package ens

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/pars-network/pars/pkg/wire"
)

// Limits of what is taken from a name.
const (
	MaxText = 64 << 10
	maxKey  = 255
)

// Caller runs a contract and returns what it returned. A contract that reverts is a *RevertError, or an error with its method RevertData, as evm.Calls has it. An address without code returns
// nothing and no error.
type Caller interface {
	Call(ctx context.Context, to [20]byte, data []byte) ([]byte, error)
}

// RevertError is what a contract gave back when it reverted.
type RevertError struct{ Data []byte }

// RevertData returns Data. An error of another package that has this method is a revert too.
func (e *RevertError) RevertData() []byte { return e.Data }

// reverted returns what a contract gave back, of an error that says that it reverted.
func reverted(err error) ([]byte, bool) {
	var r interface{ RevertData() []byte }
	if errors.As(err, &r) {
		return r.RevertData(), true
	}
	return nil, false
}

func (e *RevertError) Error() string {
	return fmt.Sprintf("the contract reverted with %d bytes", len(e.Data))
}

// Resolver reads names of one registry. Set the fields; it keeps nothing between calls.
type Resolver struct {
	Caller   Caller
	Registry Address
	// Gateway asks servers that a contract names. nil: an answer from off the chain is refused.
	Gateway Gateway
}

// Found is where a name is resolved.
type Found struct {
	Name     string // normalised
	Node     Hash
	Resolver Address
	Of       string // the name that has the resolver: Name itself, or the parent whose wildcard answers
	Extended bool   // it takes calls as ENSIP-10 has them

	Offchain []string // hosts of the gateways that answered, in order
}

// Find looks for the resolver of a name: the registry's, or that of the nearest parent if it answers for what is below it. None
// is wire.ErrNotFound.
func (r *Resolver) Find(ctx context.Context, name string) (*Found, error) {
	clean, err := Normalize(name)
	if err != nil {
		return nil, err
	}
	f := &Found{Name: clean, Node: Namehash(clean)}
	for of := clean; ; {
		b, err := r.Caller.Call(ctx, r.Registry, encode(fnResolver(), Namehash(of)))
		if err != nil {
			return nil, fmt.Errorf("registry of %s: %w", of, err)
		}
		if len(b) == 0 {
			return nil, fmt.Errorf("%w: there is no registry at %v on this chain", wire.ErrNotFound, r.Registry)
		}
		if f.Resolver, err = decodeAddress(b); err != nil {
			return nil, fmt.Errorf("registry of %s: %w", of, err)
		}
		if f.Resolver != (Address{}) {
			f.Of = of
			break
		}
		dot := strings.IndexByte(of, '.')
		if dot < 0 {
			return nil, fmt.Errorf("%s: %w: neither it nor a parent has a resolver", clean, wire.ErrNotFound)
		}
		of = of[dot+1:]
	}
	if f.Extended, err = r.supports(ctx, f.Resolver); err != nil {
		return nil, err
	}
	if f.Of != clean && !f.Extended {
		return nil, fmt.Errorf("%s: %w: the resolver of %s does not answer for what is below it", clean, wire.ErrNotFound, f.Of)
	}
	return f, nil
}

// supports asks whether a resolver takes resolve(bytes,bytes). A contract that cannot say so does not.
func (r *Resolver) supports(ctx context.Context, a Address) (bool, error) {
	var id [word]byte
	fn := fnResolve()
	copy(id[:], fn[:])
	b, err := r.Caller.Call(ctx, a, encode(fnSupports(), id))
	if _, ok := reverted(err); ok {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	yes, err := decodeBool(b)
	return yes && err == nil, nil
}

// ask calls a function of the resolver about the name.
func (r *Resolver) ask(ctx context.Context, f *Found, call []byte) ([]byte, error) {
	if !f.Extended {
		b, err := r.call(ctx, f, f.Resolver, call)
		if err == nil && len(b) == 0 {
			err = fmt.Errorf("%w: the resolver has no such function", wire.ErrNotFound)
		}
		return b, err
	}
	b, err := r.call(ctx, f, f.Resolver, encode(fnResolve(), dnsName(f.Name), call))
	if err != nil {
		return nil, err
	}
	return DecodeBytes(b)
}

// Text reads a text record. One that is not set is wire.ErrNotFound.
func (r *Resolver) Text(ctx context.Context, f *Found, key string) (string, error) {
	if len(key) == 0 || len(key) > maxKey {
		return "", wire.Invalid("key of %d bytes; 1 to %d are", len(key), maxKey)
	}
	b, err := r.ask(ctx, f, encode(fnText(), f.Node, []byte(key)))
	if err == nil {
		b, err = DecodeBytes(b)
	}
	switch {
	case err != nil:
		return "", fmt.Errorf("text %s of %s: %w", key, f.Name, err)
	case len(b) == 0:
		return "", fmt.Errorf("text %s of %s: %w", key, f.Name, wire.ErrNotFound)
	case len(b) > MaxText || !utf8.Valid(b):
		return "", fmt.Errorf("text %s of %s: %w", key, f.Name, wire.Invalid("%d bytes that are no text, or too long", len(b)))
	}
	return string(b), nil
}

// Contenthash reads the content hash (ENSIP-7), as bytes. One that is not set is wire.ErrNotFound.
func (r *Resolver) Contenthash(ctx context.Context, f *Found) ([]byte, error) {
	b, err := r.ask(ctx, f, encode(fnContenthash(), f.Node))
	return set(b, err, "content hash", f)
}

// Coin reads the address on another chain, by its number in SLIP-44 (ENSIP-9), as bytes. One that is not set is wire.ErrNotFound.
func (r *Resolver) Coin(ctx context.Context, f *Found, coin uint64) ([]byte, error) {
	b, err := r.ask(ctx, f, encode(fnAddr(), f.Node, number(coin)))
	return set(b, err, fmt.Sprintf("address %d", coin), f)
}

func set(b []byte, err error, what string, f *Found) ([]byte, error) {
	if err == nil {
		b, err = DecodeBytes(b)
	}
	if err == nil && len(b) == 0 {
		err = wire.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("%s of %s: %w", what, f.Name, err)
	}
	return b, nil
}

// Addr reads the address on Ethereum. One that is not set is wire.ErrNotFound.
func (r *Resolver) Addr(ctx context.Context, f *Found) (Address, error) {
	b, err := r.ask(ctx, f, encode(fnAddrOld(), f.Node))
	var a Address
	if err == nil {
		a, err = decodeAddress(b)
	}
	if err == nil && a == (Address{}) {
		err = wire.ErrNotFound
	}
	if err != nil {
		return a, fmt.Errorf("address of %s: %w", f.Name, err)
	}
	return a, nil
}
