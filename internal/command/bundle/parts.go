package bundle

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	urfave "github.com/urfave/cli/v2"

	"github.com/pars-network/pars/internal/cli"
	"github.com/pars-network/pars/pkg/bundle"
)

func keyFlags(more ...urfave.Flag) []urfave.Flag {
	return append([]urfave.Flag{
		&urfave.StringFlag{Name: "courier-key", Usage: "the courier key in `FILE`"},
		&urfave.StringFlag{Name: "words", Usage: "words that cover the parts, in the first line of `FILE`"}}, more...)
}

func splitKey(c *urfave.Context) (k bundle.SplitKey, err error) {
	if name := c.String("courier-key"); name != "" {
		key, err := readKey(name)
		return bundle.SplitKey{Key: &key}, err
	}
	if name := c.String("words"); name != "" {
		line, err := firstLine(c, name)
		return bundle.SplitKey{Words: []byte(strings.Join(strings.Fields(strings.ToLower(line)), " "))}, err
	}
	return k, nil
}

// regular opens a file that can be read at any place.
func regular(name string) (*os.File, int64, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, 0, err
	}
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return nil, 0, errors.Join(err, f.Close())
	}
	return f, size, nil
}

type partRow struct {
	Path  string `json:"path"`
	Part  int    `json:"part"`
	Parts int    `json:"parts"`
	Need  int    `json:"need"`
	Lost  int64  `json:"lost_sectors,omitempty"`
	State string `json:"state,omitempty"`
}

// Text is the path and the number.
func (p partRow) Text() string {
	out := fmt.Sprintf("%s\t%d of %d, %d needed", p.Path, p.Part, p.Parts, p.Need)
	if p.State != "" {
		out += "\t" + p.State
	}
	return out
}

func splitVerb() *urfave.Command {
	return &urfave.Command{
		Name: "split", Usage: "cut a file into parts of which some give it back", ArgsUsage: "FILE",
		Description: "With the courier key or words, parts look random and nobody sees which belong together. Works for any file.",
		Flags: keyFlags(&urfave.IntFlag{Name: "parts", Usage: "make `N` parts"}, &urfave.IntFlag{Name: "need", Usage: "so that any `K` give the file back"},
			&urfave.StringFlag{Name: "o", Usage: "write the parts into `DIR`", DefaultText: "."}),
		Action: splitAction,
	}
}

func splitAction(c *urfave.Context) error {
	n, need := c.Int("parts"), c.Int("need")
	if n < 1 || n > 255 || need < 1 || need > n {
		return cli.Usagef("--parts N and --need K are needed: K of at most N, N of at most 255")
	}
	key, err := splitKey(c)
	if err != nil {
		return err
	}
	if key.Key == nil && key.Words == nil {
		cli.Warnf(c, "without --courier-key or --words anybody who finds two parts sees that they belong together")
	}
	f, size, err := regular(cli.Args(c)[0])
	if err != nil {
		return err
	}
	defer f.Close()
	dir := c.String("o")
	if dir == "" {
		dir = "."
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return writeParts(c, f, size, dir, n, need, key)
}

// writeParts writes the parts under other names and renames them when all are complete.
func writeParts(c *urfave.Context, f *os.File, size int64, dir string, n, need int, key bundle.SplitKey) (err error) {
	var files []*os.File
	defer func() {
		for _, p := range files {
			p.Close()
			if err != nil {
				os.Remove(p.Name())
			}
		}
	}()
	err = bundle.Split(f, size, n, need, key, func(int) (io.Writer, error) {
		p, err := os.CreateTemp(dir, ".part-*")
		if err == nil {
			files = append(files, p)
		}
		return p, err
	})
	for _, p := range files {
		err = errors.Join(err, p.Sync())
	}
	if err != nil {
		return err
	}
	for i, p := range files {
		path := filepath.Join(dir, fmt.Sprintf("part-%03d", i+1))
		if err := os.Rename(p.Name(), path); err != nil {
			return err
		}
		if err := cli.Out(c).Print(partRow{Path: path, Part: i + 1, Parts: n, Need: need}); err != nil {
			return err
		}
	}
	return nil
}

func joinVerb() *urfave.Command {
	return &urfave.Command{
		Name: "join", Usage: "put a file together from its parts", ArgsUsage: "DIR|FILE…",
		Description: "Parts may be damaged and foreign files may lie among them. Exit 3 when a part was bad, 4 when there are too few, 6 when they do not give the file that was split.",
		Flags:       keyFlags(cli.OutputFlag()),
		Action:      joinAction,
	}
}

func joinAction(c *urfave.Context) error {
	key, err := splitKey(c)
	if err != nil {
		return err
	}
	names, err := partNames(cli.Args(c))
	if err != nil {
		return err
	}
	var parts []*bundle.Part
	paths := map[*bundle.Part]string{}
	for _, name := range names {
		f, size, err := regular(name)
		if err != nil {
			return err
		}
		defer f.Close()
		p, err := bundle.OpenPart(f, size, key)
		if err != nil {
			cli.Warnf(c, "%s: no part that this key opens", name)
			continue
		}
		parts = append(parts, p)
		paths[p] = name
	}
	tmp, err := os.CreateTemp(filepath.Dir(outName(c)), ".join-*")
	if err != nil {
		return err
	}
	defer func() { tmp.Close(); os.Remove(tmp.Name()) }()
	bad, joinErr := bundle.Join(parts, func() (io.Writer, error) {
		_, err := tmp.Seek(0, io.SeekStart)
		return tmp, errors.Join(err, tmp.Truncate(0))
	})
	if joinErr != nil && !errors.Is(joinErr, bundle.ErrDamaged) {
		return joinErr
	}
	for _, p := range parts {
		row := partRow{Path: paths[p], Part: int(p.Index) + 1, Parts: int(p.N), Need: int(p.Need), Lost: p.Lost}
		for _, b := range bad {
			if b == int(p.Index) {
				row.State = "forged"
			}
		}
		if row.Lost > 0 && row.State == "" {
			row.State = fmt.Sprintf("%d sectors damaged", p.Lost)
		}
		cli.Warnf(c, "%s", strings.ReplaceAll(row.Text(), "\t", ": "))
	}
	err = cli.Output(c, func(w io.Writer) error {
		_, err := tmp.Seek(0, io.SeekStart)
		if err == nil {
			_, err = io.Copy(w, tmp)
		}
		return err
	})
	if joinErr != nil {
		cli.Warnf(c, "the file has gaps: its own parity may mend them, try pars-bundle repair")
	} else if len(bad) > 0 {
		joinErr = fmt.Errorf("part %d was forged and left out: %w", bad[0]+1, cli.ErrPartial)
	}
	return errors.Join(err, joinErr)
}

func outName(c *urfave.Context) string {
	if name := c.String("o"); name != "" && name != "-" {
		return name
	}
	return filepath.Join(os.TempDir(), "-")
}

// partNames lists the files of folders.
func partNames(args []string) (out []string, err error) {
	for _, a := range args {
		info, err := os.Stat(a)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			out = append(out, a)
			continue
		}
		list, err := os.ReadDir(a)
		if err != nil {
			return nil, err
		}
		for _, e := range list {
			if e.Type().IsRegular() && !strings.HasPrefix(e.Name(), ".") {
				out = append(out, filepath.Join(a, e.Name()))
			}
		}
	}
	return out, nil
}

func repairVerb() *urfave.Command {
	return &urfave.Command{
		Name: "repair", Usage: "write a damaged bundle anew, with all that its parity brings back", ArgsUsage: "FILE",
		Description: "Needs the courier key, or a key that reads it, or the open form. Prints the salvage report; exit 6 when something stays lost.",
		Flags:       fileFlags(cli.OutputFlag()),
		Action:      repairAction,
	}
}
