package cards

import (
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/keystore"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/store"
)

// OfDevice returns the Shelf of the device whose keys are open.
func OfDevice(k *keystore.Keys, st *store.Store, state store.Key, rnd io.Reader) (*Shelf, error) {
	cert, err := identity.DecodeCert(k.Cert)
	if err != nil {
		return nil, fmt.Errorf("read device certificate: %w", err)
	}
	cfg := Config{Store: st, DEK: k.DEK, State: state, Cert: cert, Key: sig.FromSeed(k.DeviceSign), Rand: rnd}
	if len(k.Root) == 64 {
		cfg.Root = identity.RootPublic{Suite: cert.Suite, Key: sig.Public(k.Root[:32]), PQHash: [32]byte(k.Root[32:])}
	}
	return New(cfg), nil
}

// RootBytes is how a key file keeps a root: AK ‖ pqh, 64 bytes.
func RootBytes(r identity.RootPublic) []byte { return append(r.Key[:], r.PQHash[:]...) }
