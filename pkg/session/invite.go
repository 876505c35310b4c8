package session

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/vertex"
	"github.com/pars-network/pars/pkg/wire"
)

// Errors of invites, told apart because the person has to do something else about each.
var (
	ErrExpired = errors.New("invite expired: ask for a new one")
	ErrNetwork = errors.New("invite of another network: check --profile")
	ErrVersion = errors.New("invite made by a newer version: update this program")
)

// InvitePrefix begins the text of an invite.
const InvitePrefix = "pars:invite/"

const (
	inviteVersion = 1
	maxInvite     = 4096
	maxRoads      = 8
	maxRoad       = 128
)

// Invite lets whoever holds it read everything ever written in a session and write there. There is no
// taking back: it carries S0.
type Invite struct {
	Session vertex.Session
	Secret  envelope.Secret
	Genesis vertex.ID
	Inviter sig.Public
	Expires uint64   // unix seconds, 0 never; binds the newcomer's own program only
	Roads   [][]byte // binary multiaddrs with peer id where a member may be met
	Network [4]byte  // beginning of the netid
	Sig     sig.Signature
}

func (v *Invite) fields(b []byte, n int) []byte {
	b = append(wire.AppendMap(b, n), 0, inviteVersion, 1, envelope.Suite)
	b = wire.AppendBytes(append(b, 2), v.Session[:])
	b = wire.AppendBytes(append(b, 3), v.Secret[:])
	b = wire.AppendBytes(append(b, 4), v.Genesis[:])
	b = wire.AppendBytes(append(b, 5), v.Inviter[:])
	b = wire.AppendUint(append(b, 6), v.Expires)
	b = wire.AppendArray(append(b, 7), len(v.Roads))
	for _, r := range v.Roads {
		b = wire.AppendBytes(b, r)
	}
	return wire.AppendBytes(append(b, 8), v.Network[:])
}

func (v *Invite) sign(key sig.Private) { v.Sig = key.Sign(wire.LabelInvite, v.fields(nil, 9)) }

// Encode returns the canonical bytes.
func (v *Invite) Encode() []byte {
	return wire.AppendBytes(append(v.fields(nil, 10), 9), v.Sig[:])
}

// String returns the line that is handed over.
func (v *Invite) String() string {
	return InvitePrefix + base64.RawURLEncoding.EncodeToString(v.Encode())
}

// DecodeInvite reads the canonical bytes of an invite and verifies the inviter's signature.
func DecodeInvite(b []byte) (*Invite, error) {
	if len(b) > maxInvite {
		return nil, wire.Invalid("invite of %d bytes", len(b))
	}
	var v Invite
	d := wire.NewDecoder(b)
	seen := 0
	for m := d.Map(64); m.Next(); seen++ {
		if m.Key == 0 && d.Uint(1<<32) != inviteVersion && d.Err() == nil || m.Key > 9 {
			return nil, ErrVersion
		}
		if err := v.field(d, m.Key); err != nil {
			return nil, err
		}
	}
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("read invite: %w", err)
	}
	switch {
	case seen != 10:
		return nil, wire.Invalid("invite with %d of 10 fields", seen)
	case !v.Inviter.Canonical() || !sig.Verify(v.Inviter, wire.LabelInvite, v.fields(nil, 9), v.Sig):
		return nil, wire.Invalid("invite was changed on the way: its signature does not verify")
	}
	return &v, nil
}

func (v *Invite) field(d *wire.Decoder, key uint64) error {
	switch key {
	case 1:
		if s := d.Uint(255); s != envelope.Suite && d.Err() == nil {
			return fmt.Errorf("suite %d: %w", s, ErrVersion)
		}
	case 2:
		d.Fixed(v.Session[:])
	case 3:
		d.Fixed(v.Secret[:])
	case 4:
		d.Fixed(v.Genesis[:])
	case 5:
		d.Fixed(v.Inviter[:])
	case 6:
		v.Expires = d.Uint(1 << 40)
	case 7:
		for n := d.Array(maxRoads); n > 0 && d.Err() == nil; n-- {
			v.Roads = append(v.Roads, d.Bytes(1, maxRoad))
		}
	case 8:
		d.Fixed(v.Network[:])
	case 9:
		d.Fixed(v.Sig[:])
	}
	return nil
}

// ParseInvite reads the text line of an invite.
func ParseInvite(s string) (*Invite, error) {
	s = strings.TrimSpace(s)
	body, ok := strings.CutPrefix(s, InvitePrefix)
	if !ok {
		return nil, wire.Invalid("an invite begins with %s", InvitePrefix)
	}
	if len(body) > maxInvite*4/3+4 {
		return nil, wire.Invalid("invite of %d characters", len(body))
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(body)
	if err != nil {
		return nil, wire.Invalid("invite is cut short or mistyped")
	}
	return DecodeInvite(b)
}

// usable says whether a newcomer may take the invite at now in a network.
func (v *Invite) usable(network [4]byte, now time.Time) error {
	if v.Network != network {
		return ErrNetwork
	}
	if v.Expires > 0 && now.Unix() >= int64(v.Expires) {
		return fmt.Errorf("%w (it ended %s)", ErrExpired, time.Unix(int64(v.Expires), 0).UTC().Format(time.RFC3339))
	}
	return nil
}
