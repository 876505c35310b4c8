package reconcile

import "errors"

// gotRun commits a run and says so: ACK is never sent before the commit.
func (l *link) gotRun(b []byte) error {
	r, err := decodeRun(b)
	if err != nil {
		return err
	}
	t, err := l.set.Take(r.Run)
	if err != nil {
		return err
	}
	if t.New > 0 {
		l.idle = 0
	}
	if l.from == nil {
		l.from = map[uint32]struct{}{}
	}
	for _, at := range t.Places {
		if at >= l.pushed {
			l.from[at] = struct{}{}
		}
	}
	l.m.send((&numbers{Session: l.mine, L0: l0(l.m.cfg.Nonce, l.set.Digest()), A: 1, B: uint64(t.Parked + t.Refused)}).frame(typeAck))
	l.m.grant(int64(len(r.Run)))
	if t.Parked > 0 && l.live && !l.climbing {
		l.pursue()
	}
	if l.live {
		l.push()
	}
	return nil
}

// grant gives back the credit of n committed bytes and widens the window up to its limit.
func (m *Machine) grant(n int64) {
	more := min(n, maxCredit-m.window)
	m.window += more
	m.send((&numbers{A: uint64(n + more)}).frame(typeCredit))
}

func (l *link) gotAck(b []byte) error {
	a, err := decodeNumbers(typeAck, b)
	if err != nil {
		return err
	}
	if l.unacked == 0 {
		return protocol("ACK of nothing")
	}
	l.unacked--
	if l.live && !l.trusted && !l.climbing && l.unacked == 0 && len(l.queue)+len(l.bare)+l.over == 0 && a.B == 0 {
		l.set.Sent(l.pushed)
	}
	return nil
}

// push queues what arrived since the last push and did not come from the peer.
func (l *link) push() {
	next := l.set.Arrivals()
	var places []uint32
	if l.m.cfg.Quiet != nil && l.m.cfg.Quiet(int(l.mine)) {
		l.trusted = l.trusted || next > l.pushed
		l.pushed = next
	}
	for _, at := range l.set.Since(l.pushed) {
		if _, ok := l.from[at]; !ok {
			places = append(places, at)
		}
	}
	for at := range l.from {
		if at < next {
			delete(l.from, at)
		}
	}
	l.pushed = next
	l.enqueue(places)
}

// errNoneFits says that not one vertex fits what may be sent now.
var errNoneFits = errors.New("no vertex fits")

// sendRun sends the next run of the queue if credit and budget allow.
func (l *link) sendRun() (bool, error) {
	if l.m.spent() {
		l.giveUp()
	}
	if len(l.queue)+len(l.bare) == 0 || l.m.credit <= 0 {
		return false, nil
	}
	most := min(l.m.credit, l.m.left, maxRun)
	run, err := l.pack(int(min(most, l.m.piece())))
	if errors.Is(err, errNoneFits) && most > l.m.piece() {
		run, err = l.pack(int(most))
	}
	if errors.Is(err, errNoneFits) {
		return false, nil
	}
	if err != nil || len(run) == 0 {
		return err == nil, err
	}
	l.m.credit -= int64(len(run))
	l.unacked++
	l.m.send((&runFrame{l.mine, 0, run}).frame())
	return true, nil
}
