// Package envelope holds the keys that follow from a session's secret and the seal of a vertex body.
//
// Everything a session does in common, its bodies, sync proofs, presence and bundles, hangs on one
// 32-byte secret S. Derive walks the schedule once; S itself is then needed only to give out invites.
// The package is pure: it is handed secrets and randomness.
package envelope

import "github.com/pars-network/pars/pkg/wire"

// Secret is a session's common secret S. It is worth every message of the session.
type Secret [32]byte

// Keys are what follows from S for one session. The session id under S keeps one S that is given to
// two sessions from joining their tags, proofs and presence.
type Keys struct {
	KID    [8]byte  // names S in the header of a body
	Epoch  [32]byte // EK: message keys
	Tag    [32]byte // ST: day keys of envelope tags
	Rdv    [32]byte // R: presence
	Sync   [32]byte // tags and proofs of the sync protocol
	Bundle [32]byte // K: the group's slot in a bundle
	Join   [32]byte // proof of an invite
}

// Derive returns the keys of s in session.
func Derive(s Secret, session [32]byte) (k Keys) {
	for _, row := range []struct {
		label string
		to    []byte
	}{
		{wire.LabelSKid, k.KID[:]}, {wire.LabelSEpoch, k.Epoch[:]}, {wire.LabelSTag, k.Tag[:]},
		{wire.LabelSRdv, k.Rdv[:]}, {wire.LabelSSync, k.Sync[:]}, {wire.LabelSBundle, k.Bundle[:]},
		{wire.LabelSJoin, k.Join[:]},
	} {
		copy(row.to, Expand(s[:], row.label+string(session[:]), len(row.to)))
	}
	return k
}
