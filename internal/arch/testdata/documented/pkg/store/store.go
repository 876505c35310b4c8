package store

type Bare struct{}

// Good has one.
type Good struct{}

func (Good) Bare() {}

func (Good) String() string { return "" }

func (hidden) Fine() {}

type hidden struct{}

func Open() {}

var Loose, tight = 1, 2

// One comment serves a group of values.
const (
	A = iota
	B
)

type (
	Inner struct{}
	// Told is told.
	Told struct{}
)
