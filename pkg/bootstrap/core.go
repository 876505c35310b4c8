package bootstrap

import (
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"time"
)

const (
	mdnsPort = 5353
	maxLinks = 16 // Linux lets a socket join 20 groups
	nameLen  = 16
)

// core is the announcer and browser of all links. It is told the time, the links and what arrives; after each call out
// holds what is to be sent and what the caller is to be told.
type core struct {
	peer  string
	addrs func() []string
	rand  io.Reader

	name  string
	day   int64
	last  time.Time
	links []*link
	out   []action
}

// action is a packet for a link, or with none a peer that was found, or with lost one that left.
type action struct {
	iface  Interface
	packet []byte
	peer   string
	addrs  []string
	lost   bool
}

func newCore(now time.Time, peer string, addrs func() []string, rand io.Reader) (*core, error) {
	c := &core{peer: peer, addrs: addrs, rand: rand}
	return c, c.rename(now)
}

// rename takes a fresh random instance name, so that nobody follows a node from one day to the next by its name.
func (c *core) rename(now time.Time) error {
	b := make([]byte, nameLen)
	if _, err := io.ReadFull(c.rand, b); err != nil {
		return fmt.Errorf("choose an instance name: %w", err)
	}
	for i := range b {
		b[i] = "abcdefghijklmnopqrstuvwxyz234567"[b[i]%32]
	}
	c.name, c.day = string(b), dayOf(now)
	return nil
}

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

// take returns what is to be done since the last take.
func (c *core) take() []action {
	out := c.out
	c.out = nil
	return out
}

// interfaces is told at the start and at every event; each link that may be used begins anew.
func (c *core) interfaces(now time.Time, list []Interface) {
	var links []*link
	for _, i := range usable(list) {
		l := c.link(func(l *link) bool { return l.iface.Index == i.Index && l.iface.Name == i.Name })
		if l == nil {
			l = newLink(i)
		}
		l.iface, l.local = i, i.local()
		links = append(links, l)
	}
	for _, l := range c.links {
		if !slices.Contains(links, l) {
			c.lose(l, l.names()...)
		}
	}
	c.links = links
	c.renew(now)
}

// usable picks the links to speak on, those with a private prefix before those with link-local addresses only.
func usable(list []Interface) []Interface {
	list = slices.DeleteFunc(slices.Clone(list), func(i Interface) bool { return len(i.local()) == 0 })
	slices.SortStableFunc(list, func(a, b Interface) int { return localRank(a.local()[0]) - localRank(b.local()[0]) })
	return list[:min(len(list), maxLinks)]
}

func (c *core) link(is func(*link) bool) *link {
	if i := slices.IndexFunc(c.links, is); i >= 0 {
		return c.links[i]
	}
	return nil
}

// renew asks and announces anew on every link.
func (c *core) renew(now time.Time) {
	for _, l := range c.links {
		l.renew(now)
	}
	c.tick(now)
}

// receive takes a packet. The index is that of the interface it came in by, or 0 where the system does not tell.
func (c *core) receive(now time.Time, from netip.AddrPort, index int, b []byte) {
	l, ip := c.linkOf(from.Addr(), index), from.Addr().Unmap().WithZone("")
	if l == nil || from.Port() != mdnsPort || ip.IsLoopback() || !within(l.local, ip) {
		return
	}
	// Other services' packets do not count against a sender: a machine may be full of them.
	if len(b) > maxPacket || !mentions(b, serviceLabel) && !mentions(b, c.name) || !l.admits(now, ip) {
		return
	}
	p, err := decodePacket(b)
	if err != nil {
		return
	}
	if c.asked(p) {
		c.answer(now, l)
	}
	for _, a := range p.adverts {
		c.hear(now, l, ip, a)
	}
	c.tick(now)
}

func (c *core) linkOf(from netip.Addr, index int) *link {
	return c.link(func(l *link) bool {
		switch zone := from.Zone(); {
		case index > 0:
			return l.iface.Index == index
		case zone != "":
			return zone == l.iface.Name || zone == fmt.Sprint(l.iface.Index)
		}
		return within(l.local, from.Unmap())
	})
}

// asked reports whether the packet asks for us and does not know us already.
func (c *core) asked(p packet) bool {
	own := func(name string) bool {
		return name == service || name == c.name+"."+service || name == hostOf(c.name)
	}
	return slices.ContainsFunc(p.asks, own) && !slices.Contains(p.known, c.name)
}

// answer waits 20 to 120 ms, as all who were asked do, lest they speak at once.
func (c *core) answer(now time.Time, l *link) {
	b := make([]byte, 1)
	if _, err := io.ReadFull(c.rand, b); err != nil {
		b[0] = 0 // no chance to be had: speak at once
	}
	l.answerAt(now.Add(20*time.Millisecond + time.Duration(b[0])*100*time.Millisecond/255))
}

// hear checks an advert against the link it came by.
func (c *core) hear(now time.Time, l *link, from netip.Addr, a advert) {
	if a.ttl == 0 {
		c.lose(l, a.instance)
		return
	}
	a.addrs = slices.DeleteFunc(a.addrs, func(e endpoint) bool { return !reachable(l.local, e.ip) })
	if a.peer != c.peer && len(a.addrs) > 0 {
		l.hear(now, from, a)
	}
}

func (c *core) lose(l *link, instances ...string) {
	for _, name := range instances {
		if peer, gone := l.forget(name); gone {
			c.out = append(c.out, action{iface: l.iface, peer: peer, lost: true})
		}
	}
}

// tick does what is due.
func (c *core) tick(now time.Time) {
	if now.Before(c.last) { // the clock was set back, and what is due would not be for as long
		for _, l := range c.links {
			l.asked, l.spoke = time.Time{}, time.Time{}
			l.renew(now)
		}
	}
	if c.last = now; dayOf(now) != c.day {
		c.newDay(now)
	}
	for _, l := range c.links {
		if !l.speak.IsZero() && !l.speak.After(now) {
			c.speak(now, l)
		}
		if !l.ask.After(now) {
			c.ask(now, l)
		}
		for _, name := range l.names() {
			if !l.seen[name].expires().After(now) {
				c.lose(l, name)
			}
		}
		for _, e := range l.show(now) {
			c.show(l, e)
		}
	}
}

// newDay announces the new name before it takes back the old one: the neighbours then know that the peer has not left.
func (c *core) newDay(now time.Time) {
	old := c.name
	if c.rename(now) != nil {
		c.day = dayOf(now) // the old name serves another day
		return
	}
	for _, l := range c.links {
		before := l.told
		c.speak(now, l)
		if before.instance == old {
			c.goodbye(l, before)
		}
	}
}

func (c *core) speak(now time.Time, l *link) {
	l.spokeAt(now)
	a := advert{instance: c.name, ttl: serviceTTL, peer: c.peer, addrs: announced(c.addrs(), l.iface, l.local)}
	if len(a.addrs) == 0 {
		return
	}
	l.told = a
	c.send(l, func() ([]byte, error) { return encodeAdvert(a) })
}

func (c *core) goodbye(l *link, a advert) {
	if a.ttl = 0; a.instance != "" {
		c.send(l, func() ([]byte, error) { return encodeAdvert(a) })
	}
}

// ask names ourselves among those known, so that our own question, which comes back to us, is not answered.
func (c *core) ask(now time.Time, l *link) {
	l.askedAt(now)
	known := append([]advert{{instance: c.name, ttl: serviceTTL}}, l.known(now)...)
	c.send(l, func() ([]byte, error) { return encodeQuestion(known) })
}

// send leaves out what cannot be written, such as an address longer than a TXT string.
func (c *core) send(l *link, encode func() ([]byte, error)) {
	if b, err := encode(); err == nil {
		c.out = append(c.out, action{iface: l.iface, packet: b})
	}
}

func (c *core) show(l *link, e *entry) {
	a := action{iface: l.iface, peer: strings.Clone(e.peer)}
	for _, p := range e.addrs {
		a.addrs = append(a.addrs, p.on(l.iface.Name))
	}
	c.out = append(c.out, a)
}

// next is when tick is due, or zero when nothing is going on.
func (c *core) next() time.Time {
	var at time.Time
	for _, l := range c.links {
		if t := l.next(); at.IsZero() || t.Before(at) {
			at = t
		}
	}
	return at
}

// close says goodbye on every link.
func (c *core) close() {
	for _, l := range c.links {
		c.goodbye(l, l.told)
	}
	c.links = nil
}
