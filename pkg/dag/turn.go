package dag

// turn is the right to write the log, one holder at a time, first come first served. Who holds it long waits on asked
// too and gives way: an import may stand for as long as its file does.
type turn struct {
	held  chan struct{} // full while somebody holds it
	asked chan struct{} // full when somebody waits, or waited once
}

func newTurn() turn { return turn{held: make(chan struct{}, 1), asked: make(chan struct{}, 1)} }

func (t *turn) Lock() {
	select {
	case t.held <- struct{}{}:
		return
	default:
	}
	select {
	case t.asked <- struct{}{}:
	default:
	}
	t.held <- struct{}{}
}

func (t *turn) Unlock() { <-t.held }
