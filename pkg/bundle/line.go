package bundle

import "runtime"

// job is one chunk on its way through a line. Its memory is used again.
type job struct {
	codec
	i    int
	zip  bool
	late *late // its one record, not read yet
	raw  []byte
	d    draft
	size int // of the records as stored
	mark uint64
	out  []byte // the whole chunk
	sum  [32]byte
	err  error
	done chan struct{}
}

// line works on several chunks at once and emits them in order, on the caller's goroutine.
type line struct {
	work func(*job)
	emit func(*job) error
	n    int    // jobs that came
	busy []*job // oldest first
	free []*job
}

func newLine(work func(*job), emit func(*job) error) *line {
	l := &line{work: work, emit: emit}
	for range cores() + 1 {
		l.free = append(l.free, &job{raw: make([]byte, 0, MaxChunk), out: make([]byte, 0, MaxChunk+1024)})
	}
	return l
}

// cores is how many things are done at once.
func cores() int { return min(runtime.GOMAXPROCS(0), 8) }

// push takes a chunk's records and returns memory for the next ones.
func (l *line) push(raw []byte, zip bool, late *late) ([]byte, error) {
	if len(l.free) == 0 {
		if err := l.oldest(); err != nil {
			return raw, err
		}
	}
	j := l.free[len(l.free)-1]
	l.free = l.free[:len(l.free)-1]
	next := j.raw[:0]
	j.i, j.raw, j.zip, j.late, j.err, j.done = l.n, raw, zip, late, nil, make(chan struct{})
	l.n++
	l.busy = append(l.busy, j)
	go func() {
		l.work(j)
		close(j.done)
	}()
	return next, nil
}

// oldest waits for the job that came first and emits it.
func (l *line) oldest() error {
	j := l.busy[0]
	l.busy = l.busy[1:]
	<-j.done
	l.free = append(l.free, j)
	if j.err != nil {
		return j.err
	}
	return l.emit(j)
}

// end emits what is left. After an error it only waits.
func (l *line) end(err error) error {
	for len(l.busy) > 0 && err == nil {
		err = l.oldest()
	}
	for _, j := range l.busy {
		<-j.done
	}
	return err
}
