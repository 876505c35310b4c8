package bundle

// Behind has a file written to its disk while more of it comes: little is left to wait for at its end, and a stick that
// takes no more is heard of early. It is used by one goroutine.
type Behind struct {
	File interface{ Sync() error }

	n    int // bytes since the last one began
	busy chan error
	err  error
}

const behindStep = 32 << 20 // bytes

// Wrote tells of n bytes more.
func (b *Behind) Wrote(n int) {
	if b.n += n; b.n < behindStep {
		return
	}
	select {
	case err := <-b.busy:
		b.done(err)
	default:
		if b.busy != nil {
			return
		}
	}
	b.n, b.busy = 0, make(chan error, 1)
	go func() { b.busy <- b.File.Sync() }()
}

func (b *Behind) done(err error) {
	if b.busy = nil; b.err == nil {
		b.err = err
	}
}

// Wait waits until nothing is under way and returns the first error. What came last is not on the disk yet.
func (b *Behind) Wait() error {
	if b.busy != nil {
		b.done(<-b.busy)
	}
	return b.err
}
