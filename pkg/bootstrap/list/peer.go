package list

import (
	"bytes"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// idHead is what stands before an Ed25519 key in a libp2p peer id: identity multihash of 36 bytes, protobuf {type 1, 32 bytes}.
const idHead = "\x00\x24\x08\x01\x12\x20"

// PeerID returns the libp2p peer id of a node key in base58.
func PeerID(k sig.Public) string {
	return string(wire.AppendBase58(nil, append([]byte(idHead), k[:]...)))
}

// PeerKey returns the Ed25519 key in a peer id; ids of other keys have none. Errors wrap wire.ErrInvalid.
func PeerKey(id string) (k sig.Public, err error) {
	h, err := wire.DecodeBase58(id)
	if err != nil || len(h) != len(idHead)+32 || !bytes.HasPrefix(h, []byte(idHead)) {
		return k, wire.Invalid("%q is no peer id of an Ed25519 key", id)
	}
	return sig.Public(h[len(idHead):]), nil
}

// ID returns the peer id of the entry.
func (e *Entry) ID() string { return PeerID(e.Key) }

// Multiaddrs returns every address of the entry on every transport, with /p2p and the peer id at the end.
func (e *Entry) Multiaddrs() []string {
	var out []string
	for _, a := range e.Addrs {
		for _, m := range a.Multiaddrs() {
			out = append(out, m+"/p2p/"+e.ID())
		}
	}
	return out
}

// Groups returns the places of the entry, as Addr.Group tells them.
func (e *Entry) Groups() []string {
	var out []string
	for _, a := range e.Addrs {
		out = append(out, a.Group())
	}
	return out
}
