//go:build interop

package interop

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestServiceUnit: systemd takes the unit that service print writes, for homes with any name, and the line
// it would start starts a node.
func TestServiceUnit(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		skip(t, "no systemd-analyze; run test/lab/install.sh")
	}
	for _, name := range []string{"plain", "with space", `odd $HOME 100% "quoted" \back`} {
		dir, err := os.MkdirTemp("", "unit")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { os.RemoveAll(dir) })
		h := Home{t, filepath.Join(dir, name)}
		unit := h.Run("pars-node", "service", "print", "--home", h.dir, "--", "--metered", "--budget", "200MB/month")
		file := filepath.Join(dir, "pars-node.service")
		if err := os.WriteFile(file, []byte(unit+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("systemd-analyze", "verify", "--user", file)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir)
		if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s\n%s", name, err, out, unit)
		}
		broken := strings.Replace(unit, "ExecStart=", "ExecStart=/nowhere/", 1)
		if err := os.WriteFile(file, []byte(broken+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd = exec.Command("systemd-analyze", "verify", "--user", file)
		cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+dir)
		if cmd.Run() == nil {
			t.Errorf("%s: a program that is not there is taken", name)
		}
	}
}

// TestServiceWithoutSystemd: where no user manager answers, install says what is left to do and fails, and
// what it wrote can be removed.
func TestServiceWithoutSystemd(t *testing.T) {
	h := NewHome(t)
	run := func(args ...string) (string, error) {
		cmd := h.command("pars-node", append([]string{"service"}, args...)...)
		cmd.Env = append(cmd.Env, "XDG_CONFIG_HOME="+h.dir, "XDG_RUNTIME_DIR="+h.dir, "DBUS_SESSION_BUS_ADDRESS=unix:path=/nowhere")
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	out, err := run("install")
	if err == nil || !strings.Contains(out, "systemctl --user enable --now pars-node") {
		t.Errorf("install: %v: %s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(h.dir, "systemd", "user", "*.service"))
	if err != nil || len(files) != 1 {
		t.Fatalf("%v %v", files, err)
	}
	if out, err := run("status"); err != nil || !strings.Contains(out, "installed\tinactive") {
		t.Errorf("status: %v: %s", err, out)
	}
	run("remove") // it cannot stop what never ran, and says so
	if _, err := os.Stat(files[0]); err == nil {
		t.Error("the unit is still there")
	}
	if out, err := run("remove"); err == nil || !strings.Contains(out, "not found") {
		t.Errorf("a second remove: %v: %s", err, out)
	}
}
