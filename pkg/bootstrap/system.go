package bootstrap

import (
	"os"
	"strings"
)

// SystemServers returns the resolvers that this machine uses, by resolv.conf; none where it has no such file.
func SystemServers() (out []string) {
	b, err := os.ReadFile("/etc/resolv.conf")
	if err != nil {
		return nil
	}
	for line := range strings.Lines(string(b)) {
		if f := strings.Fields(line); len(f) > 1 && f[0] == "nameserver" {
			out = append(out, f[1])
		}
	}
	return out
}
