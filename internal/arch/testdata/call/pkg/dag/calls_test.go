package dag

import (
	"math/rand"
	"os/exec"
	"time"
)

func testCalls() {
	_ = time.Now()
	_ = rand.Int()
	exec.Command("go", "list")
	exec.CommandContext(nil, "go", "build")
	exec.Command("strace", "go")
}
