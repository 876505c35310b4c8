package hns

import (
	"bytes"
	"embed"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io/fs"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// MaxNetwork is the largest network file in bytes.
const MaxNetwork = 16 << 10

// built holds the networks that ship with the program, and the checkpoint of main.
//
//go:embed data
var built embed.FS

// Network holds the constants of one Handshake chain.
type Network struct {
	Name       string          `json:"name"`  // of built-in ones: main, testnet, regtest
	Magic      uint32          `json:"magic"` // in front of every packet
	Port       uint16          `json:"port"`
	Genesis    string          `json:"genesis"`         // the header in hex; it is trusted as it stands, its work is not looked at
	Limit      uint32          `json:"limit"`           // easiest target, compact
	Interval   uint32          `json:"interval"`        // blocks from one tree root to the next
	Reset      bool            `json:"reset,omitempty"` // a block 20 minutes late may have the easiest target
	NoRetarget bool            `json:"no_retarget,omitempty"`
	Checkpoint string          `json:"checkpoint,omitempty"` // file of this package to start from, else genesis
	Pins       map[uint32]Hash `json:"pins,omitempty"`       // blocks that no other chain may replace
	Seeds      []string        `json:"seeds,omitempty"`      // HOST or HOST:PORT to ask first
}

// LoadNetwork returns a built-in network.
func LoadNetwork(name string) (*Network, error) {
	b, err := built.ReadFile("data/" + name + ".json")
	if err != nil {
		return nil, fmt.Errorf("handshake network %s: %w; known are %s", name, wire.ErrNotFound, strings.Join(names(), ", "))
	}
	return ParseNetwork(b)
}

func names() []string {
	var out []string
	list, _ := fs.Glob(built, "data/*.json")
	for _, f := range list {
		out = append(out, strings.TrimSuffix(strings.TrimPrefix(f, "data/"), ".json"))
	}
	return out
}

// ParseNetwork reads a network file: strict JSON, unknown fields refused. Errors wrap wire.ErrInvalid.
func ParseNetwork(b []byte) (*Network, error) {
	if len(b) > MaxNetwork {
		return nil, wire.Invalid("network file of %d bytes, at most %d", len(b), MaxNetwork)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	n := &Network{}
	if err := d.Decode(n); err != nil || d.More() {
		return nil, wire.Invalid("network file: %v", err)
	}
	switch _, err := n.genesis(); {
	case err != nil:
		return nil, err
	case n.Name == "" || n.Magic == 0 || n.Interval == 0 || n.Interval > window:
		return nil, wire.Invalid("network file without name, magic or an interval of 1 to %d", window)
	case target(n.Limit) == nil || compact(target(n.Limit)) != n.Limit:
		return nil, wire.Invalid("network file with limit %#x", n.Limit)
	case strings.ContainsAny(n.Checkpoint, "/\\"):
		return nil, wire.Invalid("checkpoint %q is a file of the program", n.Checkpoint)
	}
	return n, nil
}

func (n *Network) genesis() (*Header, error) {
	b, err := hex.DecodeString(n.Genesis)
	if err != nil {
		return nil, wire.Invalid("genesis is not hex")
	}
	return DecodeHeader(b)
}

// ID is the hash of the first block.
func (n *Network) ID() Hash {
	h, err := n.genesis()
	if err != nil { // of a Network that ParseNetwork did not make
		return Hash{}
	}
	return h.Hash()
}
