package courier

import (
	"errors"
	"fmt"
	"time"
)

// Reader verifies the records of a kind that another package owns, and takes what it verified.
type Reader struct {
	// Check says whether a record proves itself at a time. ErrCannot means that it cannot be told here: the record is kept and
	// handed on. Any other error refuses it.
	Check func(payload []byte, now time.Time) error
	// Take puts a record that Check passed where its reader looks for it. It may be nil.
	Take func(payload []byte, now time.Time) error
}

// ErrCannot means that what verifies a record is not at hand.
var ErrCannot = errors.New("not verifiable here")

// Cannot is ErrCannot with the reason.
func Cannot(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrCannot, fmt.Sprintf(format, args...))
}

// Checked tells what became of a record's check.
type Checked string

// What a check may find.
const (
	Verified   Checked = "verified"   // it proves itself
	Unverified Checked = "unverified" // it cannot be told here
)

// judge runs a record's check. What is false comes as an error.
func judge(err error) (c Checked, why string, refused error) {
	switch {
	case err == nil:
		return Verified, string(Verified), nil
	case errors.Is(err, ErrCannot):
		return Unverified, err.Error(), nil
	}
	return "", "", err
}
