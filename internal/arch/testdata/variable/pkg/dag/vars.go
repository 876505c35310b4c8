package dag

import "errors"

var seen = map[string]bool{}

var one, two = 1, new(int)

// table is never written to.
var table = []int{1}

var typed *int

var errSentinel = errors.New("sentinel")

var fixed = [2]int{1, 2}

var _ = []int{1}
