package gossip

import (
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pars-network/pars/pkg/envelope"
	"github.com/pars-network/pars/pkg/gossip"
	"github.com/pars-network/pars/pkg/store"
)

// outbox keeps sealed messages that nobody was there to take: one file each, named <topic>-<id>. The next pub or
// relay of the home sends them.
type outbox struct {
	dir   string
	rules gossip.Rules
}

const outboxMax = 4096 // files

// keep writes a message; it is on the disk when keep returns nil.
func (o outbox) keep(topic uint8, env []byte) error {
	id := envelope.EnvelopeID(env)
	name := hex.EncodeToString([]byte{topic}) + "-" + hex.EncodeToString(id[:])
	return store.WriteAtomic(store.OS(o.dir), name, env)
}

// waiting is a message of the outbox.
type waiting struct {
	topic uint8
	env   []byte
	file  string
}

// list returns what waits and is still good, the oldest name first. What is over is deleted.
func (o outbox) list(now int64) (out []waiting, err error) {
	files, err := os.ReadDir(o.dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b os.DirEntry) int { return strings.Compare(a.Name(), b.Name()) })
	for _, f := range files[:min(len(files), outboxMax)] {
		topic, ok := topicOf(f.Name())
		if !ok {
			continue // not ours, or cut by a crash before its name was final
		}
		name := filepath.Join(o.dir, f.Name())
		b, err := os.ReadFile(name)
		if err != nil {
			return out, err
		}
		if _, v, _ := o.rules.Check(b, now); v != gossip.Accept {
			if err := os.Remove(name); err != nil {
				return out, err
			}
			continue
		}
		out = append(out, waiting{topic, b, name})
	}
	return out, nil
}

// topicOf reads the first part of a file's name.
func topicOf(name string) (uint8, bool) {
	t, id, ok := strings.Cut(name, "-")
	b, err := hex.DecodeString(t)
	return append(b, 0)[0], ok && err == nil && len(b) == 1 && len(id) == 40
}
