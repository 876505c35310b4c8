//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestVectorsOnArm runs the tests of frozen bytes on another processor: a sketch whose cells are rounded
// otherwise, or a run packed otherwise, would part phones from laptops for ever.
func TestVectorsOnArm(t *testing.T) {
	for _, pkg := range []string{"reconcile", "vertex", "envelope"} {
		program := filepath.Join(foreignRoot(), "linux-arm64", pkg+".test")
		if _, err := os.Stat(program); err != nil {
			skip(t, "not built: run test/lab/install.sh")
		}
		cmd := exec.Command("qemu-aarch64-static", program, "-test.short", "-test.v", "-test.run", "Vector|RoundTrip|Schedule|Index")
		cmd.Dir = filepath.Join("..", "..", "pkg", pkg)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Errorf("%s: %v\n%s", pkg, err, out)
		}
		t.Logf("%s:\n%s", pkg, out)
	}
}
