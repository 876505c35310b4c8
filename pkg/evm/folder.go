package evm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"

	"github.com/pars-network/pars/pkg/evm/light"
)

// Folder is a source of files: bootstrap-ROOT.ssz, update-PERIOD.ssz, finality.ssz, optimistic.ssz, each one bare
// container. A courier carries it.
type Folder struct {
	FS    fs.FS
	Where string
	Spec  *light.Spec
}

// Name is where the folder stands.
func (f *Folder) Name() string { return f.Where }

// FileOf names the file of a container. what is the root or the period, empty for the kinds of which there is one.
func FileOf(k light.Kind, what string) string { return light.FileOf(k, what) }

func (f *Folder) read(k light.Kind, what string) ([]byte, error) {
	name := FileOf(k, what)
	file, err := f.FS.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", name, ErrNone)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return io.ReadAll(io.LimitReader(file, int64(f.Spec.MaxSize(k))+1)) // one byte too many is refused by the decoder
}

// Bootstrap reads the file of a root.
func (f *Folder) Bootstrap(_ context.Context, root Hash) ([]byte, error) {
	return f.read(light.KindBootstrap, root.String())
}

// Updates reads files until one is missing.
func (f *Folder) Updates(_ context.Context, period uint64, n int) (out [][]byte, err error) {
	for i := range n {
		b, err := f.read(light.KindUpdate, strconv.FormatUint(period+uint64(i), 10))
		if errors.Is(err, ErrNone) && i > 0 {
			break
		}
		if err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, nil
}

// Finality reads the file of that name.
func (f *Folder) Finality(context.Context) ([]byte, error) { return f.read(light.KindFinality, "") }

// Optimistic reads the file of that name.
func (f *Folder) Optimistic(context.Context) ([]byte, error) { return f.read(light.KindOptimistic, "") }
