package envelope

import (
	"encoding/binary"

	"github.com/pars-network/pars/pkg/wire"
)

// Day returns the session's own day number at a unix time in seconds. The offset that follows from R
// keeps all sessions from turning at one midnight.
func (k *Keys) Day(unix int64) uint32 {
	mac := MAC(k.Rdv[:], []byte(wire.LabelEpochOffset))
	off := int64(binary.BigEndian.Uint32(mac[:4]) % 86400)
	return uint32(max(0, unix+off) / 86400)
}

// DayKey is TK of one day. It opens the envelopes of its day and all later ones, none before: whoever
// is handed today's key cannot walk back.
type DayKey struct {
	Day uint32
	Key [32]byte
}

// FirstDay returns the key of the day on which the session's secret began. Keys.Tag may be erased then.
func (k *Keys) FirstDay(day0 uint32) DayKey {
	return DayKey{day0, [32]byte(Expand(k.Tag[:], wire.LabelSDay+string(be32(day0)), 32))}
}

// Next returns the key of the day after.
func (d DayKey) Next() DayKey {
	return DayKey{d.Day + 1, [32]byte(Expand(d.Key[:], wire.LabelSNext, 32))}
}

// maxDays bounds how far At walks: about 90 years.
const maxDays = 1 << 15

// At returns the key of a later day; false for an earlier one or one that is absurdly far.
func (d DayKey) At(day uint32) (DayKey, bool) {
	if day < d.Day || day-d.Day > maxDays {
		return DayKey{}, false
	}
	for d.Day < day {
		d = d.Next()
	}
	return d, true
}

// Lanes are how many tags a session has on one day.
const (
	LanesPair  = 2 // 1:1, invites and first contact
	LanesGroup = 8
)

// Tag names the session to its members for one day and lane. Carriers only compare it.
func (d DayKey) Tag(lane uint8) (t [16]byte) {
	mac := MAC(d.Key[:], []byte(wire.LabelTag), be32(d.Day), []byte{lane})
	copy(t[:], mac[:])
	return t
}

// Token lets the two of a 1:1 session delete an envelope that a storer keeps. The storer holds its hash.
func (d DayKey) Token(envelope ID) [32]byte {
	return MAC(d.Key[:], []byte(wire.LabelEnvDelete), envelope[:])
}

func be32(v uint32) []byte { return binary.BigEndian.AppendUint32(nil, v) }
