package resource

import (
	"bytes"
	"io/fs"
	"strconv"
	"strings"
)

// SysPower reads /sys/class/power_supply, given as the root of sys: where no desktop service tells. A
// machine without a battery is told as charging.
func SysPower(sys fs.FS) (s Signals) {
	dirs, err := fs.Glob(sys, "class/power_supply/*")
	if err != nil || len(dirs) == 0 {
		return s
	}
	charging, battery := true, -1
	for _, dir := range dirs {
		if text(sys, dir+"/type") != "Battery" || text(sys, dir+"/scope") == "Device" {
			continue
		}
		if n, err := strconv.Atoi(text(sys, dir+"/capacity")); err == nil && n >= 0 && n <= 100 {
			battery = max(battery, n)
		}
		charging = charging && text(sys, dir+"/status") != "Discharging"
	}
	if battery >= 0 {
		s.Battery = &battery
	}
	s.Charging = &charging
	return s
}

func text(f fs.FS, name string) string {
	b, err := fs.ReadFile(f, name)
	if err != nil || len(b) > 256 {
		return ""
	}
	return strings.TrimSpace(string(b))
}

// Memory returns resident memory by what this process may use: its control group's limit or limit,
// whichever is smaller. root is the root of the file system; nil is returned where neither is known.
func Memory(root fs.FS, resident, limit int64) *float64 {
	if n, err := strconv.ParseInt(text(root, "sys/fs/cgroup/"+ownGroup(root)+"memory.max"), 10, 64); err == nil && n > 0 && (limit <= 0 || n < limit) {
		limit = n
	}
	if limit <= 0 || resident <= 0 {
		return nil
	}
	v := float64(resident) / float64(limit)
	return &v
}

// ownGroup returns the path of this process' control group, with a slash at its end.
func ownGroup(root fs.FS) string {
	b, err := fs.ReadFile(root, "proc/self/cgroup")
	if err != nil {
		return ""
	}
	for line := range bytes.Lines(b) {
		if path, ok := strings.CutPrefix(strings.TrimSpace(string(line)), "0::/"); ok && path != "" && fs.ValidPath(path) {
			return path + "/"
		}
	}
	return ""
}
