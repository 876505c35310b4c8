// Package qr is the command pars-qr.
package qr

import (
	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
)

const description = "Cards and data from a screen, from paper or from a tag to a camera or a reader, with no network between. What does not fit one symbol " +
	"goes as frames in any number, a few more than the least of which are enough, whichever they are. A camera is whatever writes pictures: scan reads " +
	"PNG, JPEG, GIF, YUV4MPEG2, a folder of them, and what show prints on a terminal."

// App returns a new tree of the command's verbs.
func App() *urfave.App {
	return cli.App("pars-qr", "carry messages and cards from screen to camera", description,
		showVerb(), scanVerb(), cardVerb(), simulateVerb(), nfcVerb())
}
