package node

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	ma "github.com/multiformats/go-multiaddr"

	"github.com/pars-network/pars/pkg/cards"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/store"
)

// CardQuery asks for the full card of whoever gave out a code.
type CardQuery struct {
	Card string `json:"card"`           // line, symbol or digits of a short card
	Addr string `json:"addr,omitempty"` // multiaddr of the device to ask, ending in /p2p/PEER_ID; empty: it is looked for
}

// CardInfo is a full card that was verified, and what it says.
type CardInfo struct {
	Account  string    `json:"account"`
	Name     string    `json:"name,omitempty"` // claimed
	Devices  []string  `json:"devices"`
	Roads    []string  `json:"roads"`
	Seq      uint64    `json:"seq"`
	Issued   time.Time `json:"issued"`
	Expires  time.Time `json:"expires"`
	Expired  bool      `json:"expired"`
	From     string    `json:"from,omitempty"`     // peer id of the device that gave it
	Warnings []string  `json:"warnings,omitempty"` // for a person
	Card     []byte    `json:"card"`               // its bytes
}

// CodeInfo is a code of this home that counts.
type CodeInfo struct {
	Number uint32     `json:"number"`
	Card   string     `json:"card"`           // its line
	Ends   *time.Time `json:"ends,omitempty"` // null: it is the newest
}

var errCodeEnded = errors.New("this code has ended: ask for a new one")

func (l *local) cardInfo(c *identity.Card) CardInfo {
	out := CardInfo{Account: c.Root.Account().String(), Name: c.Name, Seq: c.Seq, Issued: time.Unix(int64(c.Issued), 0).UTC(), Expires: time.Unix(int64(c.Expires), 0).UTC(),
		Expired: l.now().Unix() > int64(c.Expires)+identity.Slack, Devices: []string{}, Roads: []string{}, Card: c.Encode()}
	for _, d := range c.Devices {
		out.Devices = append(out.Devices, d.Cert.Device().String())
	}
	for _, r := range c.Roads {
		if m, err := ma.NewMultiaddrBytes(r); err == nil {
			out.Roads = append(out.Roads, m.String())
		}
	}
	return out
}

// OwnCard returns the full card of this home. One that a node made for its roads stays when none runs.
func (l *local) OwnCard(context.Context) (CardInfo, error) {
	own := func() (*identity.Card, []byte, error) { return l.h.Cards.Own(nil, l.now()) }
	if l.n != nil {
		own = l.n.ownCard
	}
	c, _, err := own()
	if err != nil {
		return CardInfo{}, err
	}
	return l.cardInfo(c), nil
}

// FetchCard asks for a full card, verifies and keeps it.
func (l *local) FetchCard(ctx context.Context, q CardQuery) (CardInfo, error) {
	short, err := parseCode(q.Card)
	if err != nil {
		return CardInfo{}, err
	}
	switch {
	case short.Network != identity.NetworkOf(l.h.cfg.Profile.Name):
		return CardInfo{}, fmt.Errorf("this card is of another network: choose its --profile: %w", store.ErrNotFound)
	case short.Expired(l.now().Unix()):
		return CardInfo{}, errCodeEnded
	case l.n == nil || l.n.Offline:
		return CardInfo{}, fmt.Errorf("no node with a network runs on this home: start one with pars-node run: %w", store.ErrNotFound)
	}
	var at *peer.AddrInfo
	if q.Addr != "" {
		if at, err = parsePeer(q.Addr); err != nil {
			return CardInfo{}, err
		}
	}
	got, err := l.n.fetchCard(ctx, short, at)
	if err != nil {
		return CardInfo{}, fmt.Errorf("card of %s: %w", short.Account, err)
	}
	out := l.cardInfo(got.card)
	out.From, out.Warnings = got.from.String(), got.warnings
	return out, nil
}

func parseCode(s string) (identity.ShortCard, error) {
	if strings.Count(strings.TrimSpace(s), " ") == 31 && !strings.Contains(s, "/") {
		return identity.ParseDigits(s)
	}
	return identity.ParseShortCard(s)
}

// Cards lists the cards of others that are kept, or that of one account.
func (l *local) Cards(_ context.Context, account string, emit func(CardInfo) error) error {
	if account == "" {
		return l.h.Cards.List(func(c *identity.Card) error { return emit(l.cardInfo(c)) })
	}
	a, err := identity.ParseAccount(account)
	if err != nil {
		return err
	}
	c, err := l.h.Cards.Get(a)
	if err != nil {
		return err
	}
	return emit(l.cardInfo(c))
}

func (l *local) code(c cards.Code) CodeInfo {
	c.Card.Network = identity.NetworkOf(l.h.cfg.Profile.Name)
	out := CodeInfo{Number: c.Number, Card: c.Card.Line()}
	if !c.Ends.IsZero() {
		out.Ends = &c.Ends
	}
	return out
}

// Codes lists the codes that count, the newest first.
func (l *local) Codes(_ context.Context, emit func(CodeInfo) error) error {
	list, err := l.h.Cards.Codes(l.now())
	for _, c := range list {
		if err == nil {
			err = emit(l.code(c))
		}
	}
	return err
}

// NewCode makes a new code; the one before it ends in two days.
func (l *local) NewCode(context.Context) (CodeInfo, error) {
	c, err := l.h.Cards.NewCode(l.now())
	if err != nil {
		return CodeInfo{}, err
	}
	if l.n != nil {
		l.n.presence.kick()
	}
	return l.code(c), nil
}
