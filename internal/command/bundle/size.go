package bundle

import (
	"math/big"
	"strings"
	"time"

	"github.com/pars-network/pars/internal/cli"
)

// oneSymbol is what the largest QR symbol holds at its lowest level of correction, in bytes.
const oneSymbol = 2953

// parseSize reads 40K, 2G, 64MiB (1024), 200kB, 200MB (1000), a plain number of bytes, or 1QR.
func parseSize(s string) (int64, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	if n, ok := strings.CutSuffix(text, "qr"); ok && n == "1" {
		return oneSymbol, nil
	}
	unit := int64(1)
	for _, u := range []struct {
		end  string
		base int64
	}{{"ib", 1024}, {"b", 1000}, {"", 1024}} {
		t, ok := strings.CutSuffix(text, u.end)
		if !ok || t == "" {
			continue
		}
		if power := strings.IndexByte("kmgt", t[len(t)-1]) + 1; power > 0 {
			for range power {
				unit *= u.base
			}
			text = t[:len(t)-1]
			break
		}
		if u.end == "b" {
			text = t
			break
		}
	}
	r, ok := new(big.Rat).SetString(text)
	if !ok || strings.ContainsAny(text, "/eEpPxX_") || r.Sign() <= 0 {
		return 0, cli.Usagef("size %q: write 40K, 2G, 64MiB, 200MB or 1QR", s)
	}
	r.Mul(r, new(big.Rat).SetInt64(unit))
	n := new(big.Int).Quo(r.Num(), r.Denom())
	if !n.IsInt64() || n.Int64() > 1<<40 || n.Sign() == 0 {
		return 0, cli.Usagef("size %q: 1 byte to 1 TiB", s)
	}
	return n.Int64(), nil
}

// parsePart reads 8% or 0.5% into ten-thousandths.
func parsePart(s string) (int, error) {
	r, ok := new(big.Rat).SetString(strings.TrimSuffix(s, "%"))
	if !ok || !strings.HasSuffix(s, "%") || strings.ContainsAny(s, "/eEpPxX_") || r.Sign() < 0 || r.Cmp(big.NewRat(200, 1)) > 0 {
		return 0, cli.Usagef("parity %q: write a part of the data as 8%%, at most 200%%", s)
	}
	r.Mul(r, big.NewRat(100, 1))
	return int(new(big.Int).Quo(r.Num(), r.Denom()).Int64()), nil
}

// parseTime reads --at into hours since 1970; 0 for none.
func parseTime(s string) (uint32, error) {
	if s == "" {
		return 0, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil || t.Unix() < 3600 {
		return 0, cli.Usagef("time %q: write it as 2026-01-31T12:00:00Z", s)
	}
	return uint32(t.Unix() / 3600), nil
}
