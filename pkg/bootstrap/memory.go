package bootstrap

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/wire"
)

// Memory keeps what must outlive a run, sealed where that can be had. Load returns wire.ErrNotFound of what was never
// saved. Save returns when the value is on the disk.
type Memory interface {
	Load(name string) ([]byte, error)
	Save(name string, value []byte) error
}

// Names of what is kept.
const (
	memoryState = "bootstrap-state"
	memoryList  = "bootstrap-list"

	maxNetworks   = 32
	networkLife   = 90 * 24 * time.Hour
	suspicionLife = 24 * time.Hour
	maxState      = 256 << 10
)

// NetworkKey names a network without telling which: HMAC-SHA-256 by a secret of the device over "pars/road-memory/v1" ‖ the gateway's hardware
// address, or the resolvers where there is none, cut to 8 bytes.
func NetworkKey(secret [32]byte, gateway []byte, resolvers []string) string {
	m := hmac.New(sha256.New, secret[:])
	m.Write([]byte(wire.LabelRoadMemory))
	m.Write(gateway)
	if len(gateway) == 0 {
		m.Write([]byte(strings.Join(resolvers, "\n")))
	}
	return hex.EncodeToString(m.Sum(nil)[:8])
}

// memory is the state in Memory.
type memory struct {
	Held       map[string]*list.Held  `json:"held"`
	Seen       uint64                 `json:"seen"` // highest Issued of an accepted list
	Networks   map[string]networkSeen `json:"networks"`
	Suspicious map[string]int64       `json:"suspicious"` // road to Unix seconds
	Evidence   []string               `json:"evidence"`   // two roots of one number, in base64url
	Rotations  []string               `json:"rotations"`  // trust sets that follow those of the profile, in base64url
}

type networkSeen struct {
	Won  []string `json:"won"`
	Last int64    `json:"last"`
}

func loadMemory(m Memory) (*memory, error) {
	out := &memory{Held: map[string]*list.Held{}, Networks: map[string]networkSeen{}, Suspicious: map[string]int64{}}
	if m == nil {
		return out, nil
	}
	b, err := m.Load(memoryState)
	if errors.Is(err, wire.ErrNotFound) {
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	if len(b) > maxState || json.Unmarshal(b, out) != nil {
		return nil, wire.Invalid("what is remembered of lists cannot be read")
	}
	return out, nil
}

func (m *memory) save(to Memory) error {
	if to == nil {
		return nil
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	return to.Save(memoryState, b)
}

// won tells whether a road won on the network before, and has done nothing suspicious since.
func (m *memory) won(network, road string, now time.Time) bool {
	if at, ok := m.Suspicious[road]; ok && now.Unix()-at < int64(suspicionLife/time.Second) {
		return false
	}
	n, ok := m.Networks[network]
	return ok && now.Sub(time.Unix(n.Last, 0)) < networkLife && slices.Contains(n.Won, road)
}

// follow takes the rotations that were met before.
func (m *memory) follow(t *list.Trust) {
	for _, text := range m.Rotations {
		b, err := unbase64(text)
		if err != nil {
			continue
		}
		if r, err := list.DecodeRotation(b); err == nil {
			t.Rotate(r) // verified again; one that a new profile no longer needs is passed over
		}
	}
}

// remember notes who won on the network, and forgets networks of long ago.
func (m *memory) remember(network string, roads []string, now time.Time) {
	if network == "" || len(roads) == 0 {
		return
	}
	m.Networks[network] = networkSeen{Won: roads[:min(len(roads), 8)], Last: now.Unix()}
	for len(m.Networks) > maxNetworks {
		oldest := network
		for n, x := range m.Networks {
			if x.Last < m.Networks[oldest].Last || oldest == network {
				oldest = n
			}
		}
		delete(m.Networks, oldest)
	}
}

func (m *memory) suspect(road string, now time.Time) {
	if len(m.Suspicious) < 64 {
		m.Suspicious[road] = now.Unix()
	}
}
