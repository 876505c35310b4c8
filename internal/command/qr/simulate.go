package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"time"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/qr"
)

func simulateVerb() *urfave.Command {
	return &urfave.Command{
		Name: "simulate", Usage: "show FILE to a camera that is made up, and scan what it sees", ArgsUsage: "[FILE]",
		Description: "Everything but the camera is what show and scan do. The same --seed sees the same. Without FILE it shows 40 kB of noise. With -o the pictures are kept, so that " +
			"other people's readers can be tried on them. Exit 3 when the content does not get across within four times the least.",
		Flags: []urfave.Flag{
			&urfave.StringFlag{Name: "loss", Value: "0", Usage: "lose a sighting with the probability `P`, such as 30%"},
			&urfave.StringFlag{Name: "burst", Value: "0", Usage: "begin to lose several in a row with the probability `P`"},
			&urfave.IntFlag{Name: "burst-length", Value: 5, Usage: "lose `N` then"},
			&urfave.BoolFlag{Name: "join-at-random", Usage: "begin to look anywhere"},
			&urfave.Float64Flag{Name: "blur", Usage: "blur by `N` pixels"},
			&urfave.Float64Flag{Name: "noise", Usage: "add noise of `N` of 255"},
			&urfave.Float64Flag{Name: "rotate", Usage: "turn by up to `N` degrees"},
			&urfave.StringFlag{Name: "perspective", Value: "0", Usage: "make the far side smaller by up to `P`"},
			&urfave.IntFlag{Name: "scale", Value: 4, Usage: "see a module `N` pixels wide"},
			&urfave.StringFlag{Name: "merge", Value: "0", Usage: "see two frames in one with the probability `P`"},
			&urfave.StringFlag{Name: "crop", Value: "0", Usage: "cut a side off with the probability `P`"},
			&urfave.BoolFlag{Name: "glare", Usage: "put a light spot on it"},
			&urfave.IntFlag{Name: "fps", Value: 12, Usage: "show `N` frames a second, 1 to 20"},
			&urfave.IntFlag{Name: "fps-camera", Usage: "see `N` pictures a second", DefaultText: "as many as are shown"},
			&urfave.IntFlag{Name: "chunk", Value: 800, Usage: "put `B` bytes into a frame, 100 to 2900"},
			&urfave.StringFlag{Name: "ecc", Value: "L", Usage: "bear damage as `L|M|Q|H` says"},
			&urfave.Uint64Flag{Name: "seed", Value: 1, Usage: "let chance begin at `N`"},
			&urfave.StringFlag{Name: "o", Usage: "keep what the camera sees in `DIR`"}},
		Action: simulateAction,
	}
}

type simulated struct {
	Whole   bool    `json:"whole"`
	Bytes   int     `json:"bytes"`
	Least   int     `json:"least"`
	Shown   int     `json:"shown"`
	Seen    int     `json:"seen"`
	Decoded int     `json:"decoded"`
	Useful  int     `json:"useful"`
	Seconds float64 `json:"seconds"`
	Goodput float64 `json:"bytes_s"`
	Version int     `json:"version"`
}

// Text is a line of each figure.
func (r simulated) Text() string {
	return fmt.Sprintf("whole\t%v\nleast\t%d\nshown\t%d\nseen\t%d\ndecoded\t%d\nuseful\t%d\nseconds\t%.1f\nbytes/s\t%.0f", r.Whole, r.Least, r.Shown, r.Seen, r.Decoded, r.Useful, r.Seconds, r.Goodput)
}

func newCamera(c *urfave.Context) (*qr.Camera, error) {
	camera := &qr.Camera{Seed: c.Uint64("seed"), BurstLength: c.Int("burst-length"), Blur: c.Float64("blur"), Noise: c.Float64("noise"), Rotate: c.Float64("rotate"), Glare: c.Bool("glare")}
	for name, to := range map[string]*float64{"loss": &camera.Loss, "burst": &camera.Burst, "perspective": &camera.Perspective, "merge": &camera.Merge, "crop": &camera.Crop} {
		v, err := share(name, c.String(name))
		if err != nil {
			return nil, err
		}
		*to = v
	}
	switch {
	case !(camera.Blur >= 0 && camera.Blur <= 20) || !(camera.Noise >= 0 && camera.Noise <= 255) || camera.Perspective > 0.5 || camera.BurstLength < 1:
		return nil, cli.Usagef("--blur is 0 to 20, --noise 0 to 255, --perspective 0 to 0.5, --burst-length from 1")
	case c.Int("fps") < 1 || c.Int("fps") > 20 || c.Int("fps-camera") < 0 || c.Int("fps-camera") > 240:
		return nil, cli.Usagef("--fps is 1 to 20, --fps-camera at most 240")
	case c.Int("chunk") < minChunk || c.Int("chunk") > maxChunk || c.Int("scale") < 1 || c.Int("scale") > 20:
		return nil, cli.Usagef("--chunk is %d to %d, --scale 1 to 20", minChunk, maxChunk)
	}
	if n := c.Int("fps-camera"); n > 0 {
		camera.Repeat = float64(n) / float64(c.Int("fps"))
	}
	return camera, nil
}

func simulateAction(c *urfave.Context) error {
	camera, err := newCamera(c)
	if err != nil {
		return err
	}
	level, err := qr.LevelOf(c.String("ecc"))
	if err != nil {
		return cli.Usagef("--ecc: %v", err)
	}
	data := qr.Noise(40_000, c.Uint64("seed"))
	if args := cli.Args(c); len(args) > 0 {
		if data, err = readAll(c, args[0], askAbove); err != nil {
			return err
		}
	}
	send, err := qr.NewSender(data, qr.URBytes, c.Int("chunk"), false)
	if err != nil {
		return cli.Usagef("%v", err)
	}
	f, err := newBulk(send, level)
	if err != nil {
		return cli.Usagef("%v", err)
	}
	if c.Bool("join-at-random") {
		for range int(qr.Noise(1, c.Uint64("seed"))[0]) {
			if _, _, err := f.next(); err != nil {
				return err
			}
		}
	}
	r, err := simulation(c, f, camera, data)
	if err != nil {
		return err
	}
	if err := cli.Out(c).Print(r); err != nil {
		return err
	}
	if !r.Whole {
		return fmt.Errorf("%d of %d symbols came across: %w", r.Useful, r.Least, cli.ErrPartial)
	}
	return nil
}

// simulation shows frames until the content is whole, or it takes too long.
func simulation(c *urfave.Context, f *bulkFrames, camera *qr.Camera, data []byte) (simulated, error) {
	s, out := &qr.Scanner{}, c.String("o")
	r := simulated{Bytes: len(data), Least: f.least(), Version: f.enc.Version()}
	if out != "" {
		if err := os.MkdirAll(out, 0o700); err != nil {
			return r, err
		}
	}
	for !r.Whole && r.Shown < 4*f.cycle() {
		if err := c.Context.Err(); err != nil {
			return r, err
		}
		_, m, err := f.next()
		if err != nil {
			return r, err
		}
		r.Shown++
		for _, g := range camera.See(m.Grey(c.Int("scale"), qr.Quiet)) {
			r.Seen++
			if out != "" {
				if err := create(filepath.Join(out, fmt.Sprintf("%05d.png", r.Seen)), func(w writer) error { return png.Encode(w, g) }); err != nil {
					return r, err
				}
			}
			r.Whole = r.look(s, g, data) || r.Whole
		}
	}
	r.Useful = s.Useful
	r.Seconds = float64(r.Shown) / float64(c.Int("fps"))
	r.Goodput = float64(len(data)) / r.Seconds
	return r, nil
}

// look decodes one sighting, and reports whether it made the content whole.
func (r *simulated) look(s *qr.Scanner, g *image.Gray, data []byte) bool {
	start := time.Now()
	whole, payloads := false, qr.Decode(g, func() bool { return time.Since(start) < 10*frameBudget })
	if len(payloads) > 0 {
		r.Decoded++
	}
	for _, p := range payloads {
		items, err := s.Add(p)
		for _, i := range items {
			whole = whole || err == nil && bytes.Equal(i.Data, data)
		}
	}
	return whole
}
