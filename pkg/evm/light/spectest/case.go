package spectest

import (
	"encoding/hex"
	"fmt"
	"io/fs"
	"path"
	"strconv"
	"strings"

	"github.com/pars-network/pars/pkg/evm/light"
	"github.com/pars-network/pars/pkg/wire"
)

// Result is what became of one case.
type Result struct {
	Case string // its folder
	Err  error  // nil: passed
}

// Run runs every case below the folder dir of f, in the order of their folders, and tells each to done. A folder with
// steps.yaml is a case of light_client/sync, one with updates_0.ssz_snappy a case of light_client/update_ranking. at is
// where dir itself stands: a fork or preset in the path that is not known here fails its cases.
func Run(f fs.FS, at string, done func(Result)) error {
	return fs.WalkDir(f, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		dir := path.Dir(name)
		run := runSync
		switch d.Name() {
		case "steps.yaml":
		case "updates_0.ssz_snappy":
			run = runRanking
		default:
			return nil
		}
		err = known(path.Join(at, dir))
		if err == nil {
			err = run(files{f, dir, path.Join(at, dir)})
		}
		done(Result{dir, err})
		return nil
	})
}

// known reads the path of the published tree: …/PRESET/FORK/light_client/….
func known(dir string) error {
	parts := strings.Split(path.Clean(dir), "/")
	for i, part := range parts {
		_, preset := light.PresetNamed(part)
		if preset && i+1 < len(parts) && light.ForkNamed(parts[i+1]) < light.Altair {
			return wire.Invalid("fork %q is not known here", parts[i+1])
		}
		if part == "light_client" && i > 0 && light.ForkNamed(parts[i-1]) < light.Altair {
			return wire.Invalid("fork %q is not known here", parts[i-1])
		}
	}
	return nil
}

// files reads the files of one case.
type files struct {
	f   fs.FS
	dir string
	at  string // with where f stands
}

func (c files) yaml(name string) (*node, error) {
	b, err := fs.ReadFile(c.f, path.Join(c.dir, name))
	if err != nil {
		return nil, err
	}
	n, err := ParseYAML(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return n, nil
}

func (c files) ssz(name string) ([]byte, error) {
	b, err := fs.ReadFile(c.f, path.Join(c.dir, path.Base(name)+".ssz_snappy"))
	if err != nil {
		return nil, err
	}
	return DecodeSnappy(b)
}

func runSync(c files) error {
	meta, err := c.yaml("meta.yaml")
	if err != nil {
		return err
	}
	config, err := c.yaml("config.yaml")
	if err != nil {
		return err
	}
	steps, err := c.yaml("steps.yaml")
	if err != nil {
		return err
	}
	spec, err := specOf(config, meta.text("genesis_validators_root"))
	if err != nil {
		return err
	}
	if len(steps.list) == 0 {
		return wire.Invalid("no steps")
	}
	raw, err := c.ssz("bootstrap")
	if err != nil {
		return err
	}
	b, err := spec.DecodeBootstrap(raw)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	trusted, err := root(meta.text("trusted_block_root"))
	if err != nil {
		return err
	}
	store, err := light.NewStore(spec, trusted, b)
	if err != nil {
		return fmt.Errorf("bootstrap: %w", err)
	}
	for i, s := range steps.list {
		if err := c.step(store, s); err != nil {
			return fmt.Errorf("step %d: %w", i, err)
		}
	}
	return nil
}

// runRanking wants the updates of a case to stand from the best to the worst.
func runRanking(c files) error {
	meta, err := c.yaml("meta.yaml")
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(meta.text("updates_count"))
	if err != nil || n < 1 || n > 256 {
		return wire.Invalid("updates_count %.20q", meta.text("updates_count"))
	}
	spec, err := c.rankingSpec()
	if err != nil {
		return err
	}
	var before *light.Update
	for i := range n {
		raw, err := c.ssz(fmt.Sprintf("updates_%d", i))
		if err != nil {
			return err
		}
		u, err := spec.DecodeUpdate(raw)
		if err != nil {
			return fmt.Errorf("update %d: %w", i, err)
		}
		if before != nil && spec.Better(u, before) {
			return wire.Invalid("update %d is better than the one before", i)
		}
		before = u
	}
	return nil
}

// rankingSpec takes preset and fork from the path, since such a case carries no config.
func (c files) rankingSpec() (*light.Spec, error) {
	for _, part := range strings.Split(c.at, "/") {
		if preset, ok := light.PresetNamed(part); ok {
			_, rest, _ := strings.Cut(c.at, part+"/")
			fork, _, _ := strings.Cut(rest, "/")
			return &light.Spec{Preset: preset, SecondsPerSlot: 12, Forks: []light.ForkRow{{Fork: light.ForkNamed(fork)}}}, nil
		}
	}
	return nil, wire.Invalid("no preset in the path")
}

func (c files) step(store *light.Store, step *node) error {
	if len(step.keys) != 1 {
		return wire.Invalid("a step has one name")
	}
	arg := step.vals[0]
	now, err := strconv.ParseUint(arg.text("current_slot"), 10, 64)
	if err != nil && step.keys[0] != "upgrade_store" {
		return wire.Invalid("current_slot: %v", err)
	}
	switch step.keys[0] {
	case "process_update":
		raw, err := c.ssz(arg.text("update"))
		if err != nil {
			return err
		}
		u, err := store.Spec().DecodeUpdate(raw)
		if err != nil {
			return err
		}
		if err := store.Process(u, now); err != nil {
			return err
		}
	case "force_update":
		store.Force(now)
	case "upgrade_store": // our store has one form
	default:
		return wire.Invalid("step %s is not known here", step.keys[0])
	}
	return checks(store, arg.get("checks"))
}

func checks(store *light.Store, want *node) error {
	if want.get("finalized_header") == nil || want.get("optimistic_header") == nil {
		return wire.Invalid("a step without checks")
	}
	if err := check(store.Spec(), &store.Finalized, want.get("finalized_header")); err != nil {
		return fmt.Errorf("finalized: %w", err)
	}
	if err := check(store.Spec(), &store.Optimistic, want.get("optimistic_header")); err != nil {
		return fmt.Errorf("optimistic: %w", err)
	}
	return nil
}

func check(spec *light.Spec, h *light.Header, want *node) error {
	got := []string{strconv.FormatUint(h.Beacon.Slot, 10), h.Beacon.Root().String(), spec.ExecRoot(h).String()}
	for i, key := range []string{"slot", "beacon_root", "execution_root"} {
		if w := want.text(key); w != got[i] && (key != "execution_root" || want.get(key) != nil) {
			return wire.Invalid("%s is %s, want %s", key, got[i], w)
		}
	}
	return nil
}

func root(s string) (r light.Root, err error) {
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil || len(b) != len(r) {
		return r, wire.Invalid("%.70q is no root", s)
	}
	return light.Root(b), nil
}

func specOf(config *node, genesis string) (*light.Spec, error) {
	preset, ok := light.PresetNamed(config.text("PRESET_BASE"))
	if !ok {
		return nil, wire.Invalid("preset %q is not known here", config.text("PRESET_BASE"))
	}
	r, err := root(genesis)
	if err != nil {
		return nil, err
	}
	s := &light.Spec{Preset: preset, SecondsPerSlot: 12, GenesisRoot: r}
	for _, name := range []string{"genesis", "altair", "bellatrix", "capella", "deneb", "electra", "fulu", "gloas"} {
		upper := strings.ToUpper(name)
		version, err := hex.DecodeString(strings.TrimPrefix(config.text(upper+"_FORK_VERSION"), "0x"))
		if err != nil || len(version) != 4 {
			continue
		}
		epoch, err := strconv.ParseUint(config.text(upper+"_FORK_EPOCH"), 10, 64)
		if err != nil && name != "genesis" {
			continue
		}
		fork := light.ForkNamed(name)
		if name == "genesis" {
			fork, epoch = light.Phase0, 0
		}
		s.Forks = append(s.Forks, light.ForkRow{Fork: fork, Epoch: epoch, Version: [4]byte(version)})
	}
	return s, nil
}
