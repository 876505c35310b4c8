package identity

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"

	"github.com/pars-network/pars/pkg/wire"
)

// AskNonceSize is the length in bytes of what an answerer draws for each ask.
const AskNonceSize = 16

// Rendezvous derives, for whoever has the short card, where the account's device says that it can be met: the common
// secret and the Ed25519 seed of its record in the hash table, KDF(locator, id32, "pars/card/rdv/v1", 64). Everybody who
// has the code can write that record, so it is a hint; the full card is proven by its account.
func (c ShortCard) Rendezvous() (secret, seed [32]byte) {
	out, err := hkdf.Key(sha256.New, c.Locator[:], c.Account.ID[:], wire.LabelCardRdv, 64)
	if err != nil {
		panic("identity: HKDF of 64 bytes fails") // the length is a constant within its limit
	}
	return [32]byte(out[:32]), [32]byte(out[32:])
}

// Ask is the proof that the asker has the short card: HMAC-SHA256(locator, "pars/card/ask/v1" ‖ nonce ‖ asker ‖ answerer).
// nonce is the answerer's, asker and answerer are binary libp2p peer ids, whose length is within them: an ask serves
// neither a second time nor towards another.
func (c ShortCard) Ask(nonce [AskNonceSize]byte, asker, answerer string) (m [32]byte) {
	h := hmac.New(sha256.New, c.Locator[:])
	h.Write([]byte(wire.LabelCardAsk))
	h.Write(nonce[:])
	h.Write([]byte(asker))
	h.Write([]byte(answerer))
	h.Sum(m[:0])
	return m
}
