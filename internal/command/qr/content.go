package qr

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/identity"
	"github.com/pars-network/pars/pkg/qr"
	"github.com/pars-network/pars/pkg/wire"
)

const (
	inviteLine   = "pars:invite/"
	inviteSymbol = "PARS:INVITE/"
	maxInvite    = 1024 // bytes
)

// symbolText returns what stands in the symbol of a line that has a form of its own: a card or an invite.
func symbolText(data []byte) (text string, l qr.Level, ok bool, err error) {
	line := strings.TrimSpace(string(data))
	if len(line) > 4096 || strings.ContainsAny(line, "\n\r") {
		return "", 0, false, nil
	}
	switch {
	case strings.HasPrefix(line, "pars:card/"):
		c, err := identity.ParseShortCard(line)
		return c.Symbol(), qr.M, true, err
	case strings.HasPrefix(line, inviteLine):
		b, err := base64.RawURLEncoding.Strict().DecodeString(line[len(inviteLine):])
		if err != nil || len(b) == 0 || len(b) > maxInvite {
			return "", 0, true, wire.Invalid("invite is cut short or mistyped")
		}
		return inviteSymbol + wire.EncodeBase45(b), qr.M, true, nil
	case strings.HasPrefix(strings.ToLower(line), "ur:"):
		if _, _, _, err := qr.ParseUR(line); err != nil {
			return "", 0, true, err
		}
		return strings.ToUpper(line), qr.M, true, nil
	}
	return "", 0, false, nil
}

// inviteText is the inverse for an invite: what pars-node join takes. The invite itself is verified there.
func inviteText(symbol string) (string, error) {
	if !strings.HasPrefix(symbol, inviteSymbol) {
		return symbol, nil
	}
	b, err := wire.DecodeBase45(symbol[len(inviteSymbol):])
	if err != nil || len(b) == 0 || len(b) > maxInvite {
		return "", wire.Invalid("symbol of an invite that is none")
	}
	return inviteLine + base64.RawURLEncoding.EncodeToString(b), nil
}

// fromFlag names the argument FILE in another way.
func fromFlag() urfave.Flag {
	return &urfave.StringFlag{Name: "from", Usage: "read `FILE|-`, the same as the argument"}
}

// readAll reads FILE|- up to a limit.
func readAll(c *urfave.Context, name string, limit int64) ([]byte, error) {
	in, err := cli.Input(c, name)
	if err != nil {
		return nil, err
	}
	defer in.Close()
	b, err := io.ReadAll(io.LimitReader(in, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	if int64(len(b)) > limit {
		return nil, cli.Usagef("%s has more than %d bytes: that is too much for this road", name, limit)
	}
	return b, nil
}

// share reads 0.3 or 30%.
func share(name, s string) (float64, error) {
	body, percent := strings.CutSuffix(s, "%")
	v, err := strconv.ParseFloat(body, 64)
	if percent {
		v /= 100
	}
	if err != nil || !(v >= 0 && v <= 1) {
		return 0, cli.Usagef("--%s is a share such as 30%% or 0.3, not %q", name, s)
	}
	return v, nil
}

// isDir reports whether -o means a folder.
func isDir(name string) bool {
	if strings.HasSuffix(name, "/") {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir()
}
