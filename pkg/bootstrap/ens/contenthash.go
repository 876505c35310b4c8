package ens

import (
	"bytes"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// MaxContent is the longest content hash in bytes.
const MaxContent = 128

// DecodeContent returns the URL that a content hash (ENSIP-7) stands for: ipfs and ipns with the CID in base32, bzz, onion and onion3 by name. Other
// kinds are refused. Errors wrap wire.ErrInvalid.
func DecodeContent(b []byte) (string, error) {
	if len(b) > MaxContent {
		return "", wire.Invalid("content hash of %d bytes, at most %d", len(b), MaxContent)
	}
	kind, n := wire.Uvarint(b)
	if n == 0 {
		return "", wire.Invalid("content hash without a kind")
	}
	rest := b[n:]
	switch {
	case kind == 0xe3 && cid(rest, 0x70, 0x71, 0x55):
		return "ipfs://" + base32CID(rest), nil
	case kind == 0xe5 && cid(rest, 0x72, 0x70):
		return "ipns://" + base32CID(rest), nil
	case kind == 0xe4 && bytes.HasPrefix(rest, []byte{1, 0xfa, 1, 0x1b, 0x20}) && len(rest) == 5+32:
		return "bzz://" + hex.EncodeToString(rest[5:]), nil
	case kind == 0x1bc && len(rest) == 16 && onion(rest):
		return "onion://" + string(rest), nil
	case kind == 0x1bd && len(rest) == 56 && onion(rest):
		return "onion3://" + string(rest), nil
	}
	return "", wire.Invalid("content hash of kind %#x with %d bytes", kind, len(rest))
}

// cid reports whether b is a CID of version 1 of one of the codecs, with a hash of the length that it says.
func cid(b []byte, codecs ...byte) bool {
	if len(b) < 4 || b[0] != 1 || !bytes.Contains(codecs, b[1:2]) {
		return false
	}
	hash, n := wire.Uvarint(b[2:])
	size, m := wire.Uvarint(b[min(2+n, len(b)):])
	return n > 0 && m > 0 && size == uint64(len(b)-2-n-m) && size > 0 && (hash != 0x12 || size == 32)
}

func base32CID(b []byte) string {
	return "b" + strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

func onion(b []byte) bool {
	for _, c := range b {
		if !(c >= 'a' && c <= 'z' || c >= '2' && c <= '7') {
			return false
		}
	}
	return true
}
