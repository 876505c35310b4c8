package dag

import (
	"crypto/ed25519"
	"log"
	_ "log/slog"
	_ "math/rand/v2"
	"os"
	clock "time"
)

func calls() {
	_ = clock.Now()
	log.Print("x")
	ed25519.Verify(nil, nil, nil)
	os.Exit(1)
}
