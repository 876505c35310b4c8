package gateway

import (
	"encoding/json"
	"testing"
)

// FuzzUnpack: whatever a peer answers, it is an error or JSON.
func FuzzUnpack(f *testing.F) {
	f.Add(uint8(ItemProof), []byte{0x82, 0x81, 0x41, 1, 0x80})
	f.Add(uint8(ItemFind), []byte{0x82, 0x40, 0})
	f.Add(uint8(ItemReceipts), []byte{0xc0})
	f.Add(uint8(ItemBody), []byte{0xc0})
	f.Fuzz(func(t *testing.T, kind uint8, b []byte) {
		i := Item{Kind: kind%ItemFind + 1}
		if raw, err := i.unpack(b); err == nil && !json.Valid(raw) {
			t.Errorf("kind %d of %x: %q", i.Kind, b, raw)
		}
	})
}
