package gossip

import (
	"strconv"
	"strings"

	"github.com/pars-network/pars/internal/cli"
)

// size reads 40K, 2G, 64MiB (of 1,024) or 200kB, 200MB (of 1,000, in any case); bytes without a unit.
func size(s string) (int64, error) {
	i := strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if i < 0 {
		i = len(s)
	}
	v, err := strconv.ParseFloat(s[:i], 64)
	unit := strings.ToLower(s[i:])
	factor := map[string]float64{"": 1, "b": 1, "k": 1 << 10, "kib": 1 << 10, "m": 1 << 20, "mib": 1 << 20, "g": 1 << 30, "gib": 1 << 30,
		"kb": 1e3, "mb": 1e6, "gb": 1e9}[unit]
	if err != nil || factor == 0 || v*factor > 1<<50 {
		return 0, cli.Usagef("size %q: a number with K, M, G, KiB, MiB, GiB, kB, MB or GB", s)
	}
	return int64(v * factor), nil
}

// rate reads a size with /h, /day or /month and returns bytes an hour.
func rate(s string) (int64, error) {
	n, per, ok := strings.Cut(s, "/")
	hours := map[string]int64{"h": 1, "day": 24, "month": 30 * 24}[per]
	if !ok || hours == 0 {
		return 0, cli.Usagef("rate %q: a size with /h, /day or /month", s)
	}
	v, err := size(n)
	return v / hours, err
}
