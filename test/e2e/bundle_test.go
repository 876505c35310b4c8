package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// smaller FILE N: the file has less than N bytes.
func smaller(ts *testscript.TestScript, neg bool, args []string) {
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	n, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	if (info.Size() < n) == neg {
		ts.Fatalf("%s has %d bytes", args[0], info.Size())
	}
}

// overwrite FILE OFFSET N: overwrites N bytes.
func overwrite(ts *testscript.TestScript, neg bool, args []string) {
	at, err := strconv.ParseInt(args[1], 10, 64)
	ts.Check(err)
	n, err := strconv.Atoi(args[2])
	ts.Check(err)
	f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_WRONLY, 0)
	ts.Check(err)
	b := make([]byte, n)
	for i := range b {
		b[i] = 0x5a
	}
	_, err = f.WriteAt(b, at)
	ts.Check(err)
	ts.Check(f.Close())
}

// waitnode HOME: returns when a node answers on the socket of a home.
func waitNode(ts *testscript.TestScript, neg bool, args []string) {
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); {
		if conn, err := net.Dial("unix", filepath.Join(args[0], "node.sock")); err == nil {
			conn.Close()
			return
		}
		time.Sleep(5 * time.Millisecond) // sleep: another process makes the socket
	}
	ts.Fatalf("no node on %s", args[0])
}
