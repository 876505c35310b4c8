package main

// cardMutants are faults in who is given a card, and in which card is kept.
func cardMutants() []mutant {
	const node, cards, courier = "pkg/node", "pkg/cards", "pkg/courier"
	return []mutant{
		{"cards: anybody is given the card", "pkg/node/card.go", "if !d.knows(nonce, ask, s.Conn().RemotePeer()) {", "if ask == ([32]byte{1}) {", node, "TestAskIsBound"},
		{"cards: a proof serves twice", "pkg/identity/ask.go", "	h.Write(nonce[:])\n", "", node, "TestAskIsBound"},
		{"cards: a proof serves towards another", "pkg/identity/ask.go", "	h.Write([]byte(answerer))\n", "", node, "TestAskIsBound"},
		{"cards: one peer asks without end", "pkg/node/card.go", "!a.spend(now, askBurst, askEvery) ||", "!a.spend(now, 1<<20, askEvery) ||", node, "TestAskFlood"},
		{"cards: any account's card is taken", "pkg/node/card_fetch.go", "card.Verify(of,", "card.Verify(card.Root.Account(),", node, "TestCardRefused"},
		{"cards: an answer without end is read", "pkg/node/card_fetch.go", "io.LimitReader(s, identity.MaxCard+1)", "s", node, "TestEndlessAnswer"},
		{"cards: an older card takes the place of a newer", "pkg/cards/cards.go", "c.Usable(held, 0, now)", "c.Usable(nil, 0, now)", cards, "TestOthers"},
		{"cards: prekeys are kept for ever", "pkg/cards/own.go", "k.expires+keysKept", "k.expires+9*keysKept", cards, "TestErased"},
		{"cards: codes never end", "pkg/cards/record.go", "now.Unix() < int64(o.ends)", "now.Unix() > 0", cards, "TestCodes"},
		{"cards: sealed to the members, too", "pkg/courier/recipients.go", "	l.to.Groups = nil\n", "", courier, "TestForCard"},
	}
}
