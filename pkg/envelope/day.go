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
