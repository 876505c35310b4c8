package identity

import (
	"crypto/sha256"
	"encoding/binary"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// ShortCardSize is the length of a short card in bytes.
const ShortCardSize = 53

// Texts of a short card: as a line that may be pasted, and as a QR symbol.
const (
	cardLine   = "pars:card/"
	cardSymbol = "PARS:CARD/"
	cardHRP    = "parsc"
)

// ShortCard proves an account and says where its full card may be asked for. It fits the smallest
// symbols, paper and a voice, and lives for years: suite ‖ id32 ‖ locator[16] ‖ u16 network ‖ u16 days.
// A new layout gets a new word, not a version.
type ShortCard struct {
	Account Account
	// Locator is a secret of whoever was given the card: the rendezvous of one road follows from it.
	Locator [16]byte
	// Network is SHA-256 of the profile's name, cut to two bytes.
	Network [2]byte
	// NotAfter is in days since 2020-01-01 UTC; 0 is never.
	NotAfter uint16
}

// NetworkOf returns the network field for a profile's name.
func NetworkOf(profile string) (n [2]byte) {
	sum := sha256.Sum256([]byte(profile))
	copy(n[:], sum[:])
	return n
}

// cardEpoch is 2020-01-01 00:00 UTC in Unix seconds.
const cardEpoch = 1577836800

// CardDays returns the NotAfter of a Unix time, in whole days rounded up; 0 when it is out of range.
func CardDays(unix int64) uint16 {
	days := (unix - cardEpoch + 86399) / 86400
	if unix <= cardEpoch || days > 65535 {
		return 0
	}
	return uint16(days)
}

// Expired tells whether the card is past its day at a Unix time.
func (c ShortCard) Expired(now int64) bool {
	return c.NotAfter != 0 && now >= cardEpoch+int64(c.NotAfter)*86400
}

// Encode returns the 53 bytes.
func (c ShortCard) Encode() []byte {
	b := append(make([]byte, 0, ShortCardSize), c.Account.Suite)
	b = append(append(b, c.Account.ID[:]...), c.Locator[:]...)
	return binary.BigEndian.AppendUint16(append(b, c.Network[:]...), c.NotAfter)
}

// DecodeShortCard is the inverse of Encode. Errors wrap wire.ErrInvalid.
func DecodeShortCard(b []byte) (ShortCard, error) {
	var c ShortCard
	if len(b) != ShortCardSize {
		return c, wire.Invalid("short card of %d bytes, %d expected", len(b), ShortCardSize)
	}
	if b[0] != Suite1 {
		return c, wire.Invalid("unknown suite %d", b[0])
	}
	c.Account = Account{Suite: b[0], ID: [32]byte(b[1:33])}
	copy(c.Locator[:], b[33:49])
	copy(c.Network[:], b[49:51])
	c.NotAfter = binary.BigEndian.Uint16(b[51:])
	return c, nil
}

// Line returns the card as text to paste: pars:card/ and bech32m, 107 characters.
func (c ShortCard) Line() string { return cardLine + wire.EncodeBech32m(cardHRP, c.Encode()) }

// Symbol returns the text of the QR symbol: PARS:CARD/ and base45, 90 characters of QR's alphanumeric
// set. It contains blanks and is never pasted.
func (c ShortCard) Symbol() string { return cardSymbol + wire.EncodeBase45(c.Encode()) }

// ParseShortCard reads a Line, or a Symbol that came from a camera. Errors wrap wire.ErrInvalid.
func ParseShortCard(s string) (ShortCard, error) {
	if body, ok := strings.CutPrefix(s, cardSymbol); ok {
		b, err := wire.DecodeBase45(body)
		if err != nil {
			return ShortCard{}, err
		}
		return DecodeShortCard(b)
	}
	body, ok := strings.CutPrefix(strings.TrimSpace(s), cardLine)
	if !ok {
		return ShortCard{}, wire.Invalid("a card begins with %s", cardLine)
	}
	hrp, b, err := wire.DecodeBech32m(body, ShortCardSize)
	if err != nil {
		return ShortCard{}, err
	}
	if hrp != cardHRP {
		return ShortCard{}, wire.Invalid("not a card: it does not go on with %s1", cardHRP)
	}
	return DecodeShortCard(b)
}
