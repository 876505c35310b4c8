package wire

import (
	"crypto/rand"
	"time"
)

func stamp() time.Time {
	go rand.Read(nil)
	return time.Now()
}
