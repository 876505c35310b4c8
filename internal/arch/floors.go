package arch

import (
	"go/ast"
	"slices"
	"strings"
)

// place is where a package stands and what of ours it may import beside.
type place struct {
	dir     string
	floor   int
	below   bool     // every lower floor
	imports []string // folders; those below one are meant too
}

// places is the table of ARCHITECTURE.md. The first entry that holds a folder counts.
func places() []place {
	return []place{
		{dir: "pkg/wire"},
		{dir: "pkg/sig"},
		{dir: "pkg/profile", imports: []string{"pkg/wire"}},
		{dir: "pkg/road"},
		{dir: "pkg/vertex", imports: []string{"pkg/wire", "pkg/sig"}},
		{dir: "pkg/identity", imports: []string{"pkg/wire", "pkg/sig"}},
		{dir: "pkg/envelope", imports: []string{"pkg/wire"}},
		{dir: "pkg/ratchet", imports: []string{"pkg/wire", "pkg/sig", "pkg/identity"}},
		{dir: "pkg/reconcile", imports: []string{"pkg/wire"}},
		{dir: "pkg/fountain", imports: []string{"pkg/wire"}},
		{dir: "pkg/qr", imports: []string{"pkg/fountain", "pkg/wire"}},
		{dir: "pkg/nfc/pcsc", floor: 2, imports: []string{"pkg/nfc"}},
		{dir: "pkg/nfc", imports: []string{"pkg/wire"}},
		{dir: "pkg/store", floor: 1, imports: []string{"pkg/wire", "pkg/store"}},
		{dir: "pkg/keystore", floor: 1, imports: []string{"pkg/wire", "pkg/store"}},
		{dir: "pkg/socket", floor: 1, imports: []string{"pkg/wire", "pkg/sig"}},
		{dir: "pkg/link", floor: 1, imports: []string{"pkg/wire", "pkg/link"}},
		{dir: "pkg/dag", floor: 2, below: true},
		{dir: "pkg/crdt", floor: 2, below: true, imports: []string{"pkg/dag"}},
		{dir: "pkg/session", floor: 2, below: true, imports: []string{"pkg/crdt", "pkg/dag"}},
		{dir: "pkg/dht", floor: 2, below: true},
		{dir: "pkg/gossip", floor: 2, below: true},
		{dir: "pkg/peerbook", floor: 2, below: true},
		{dir: "pkg/resource", floor: 2, below: true},
		{dir: "pkg/bootstrap", floor: 2, below: true, imports: []string{"pkg/bootstrap"}},
		{dir: "pkg/evm", floor: 2, below: true, imports: []string{"pkg/evm"}},
		{dir: "pkg/bundle", floor: 2, below: true},
		{dir: "pkg/cards", floor: 2, below: true},
		{dir: "pkg/courier/readers", floor: 2, below: true, imports: []string{"pkg/bundle", "pkg/courier", "pkg/bootstrap", "pkg/evm/light"}},
		{dir: "pkg/courier", floor: 2, below: true, imports: []string{"pkg/bundle", "pkg/cards", "pkg/session", "pkg/dag", "pkg/crdt"}},
		{dir: "pkg/node", floor: 3, below: true},
		{dir: "internal/cli", floor: 4, below: true},
		{dir: "internal/attach", floor: 4, below: true, imports: []string{"internal/cli"}},
		{dir: "internal/command", floor: 4, below: true, imports: []string{"internal/cli", "internal/attach"}},
		{dir: "internal/gen", floor: 5, below: true, imports: []string{"internal/gen"}},
		{dir: "internal", floor: 5, below: true},
		{dir: "mobile", floor: 4, imports: []string{"pkg/node", "pkg/link"}},
		{dir: "cmd", floor: 5, imports: []string{"internal/cli", "internal/command"}},
		{dir: "test", floor: 6, below: true},
		{dir: "bench", floor: 6, below: true, imports: []string{"bench"}},
	}
}

// helpers are seams that any floor may link: the release, failpoints.
func helpers() []string { return []string{"internal/version", "internal/fail"} }

// testHelpers are linked by tests alone.
func testHelpers() []string {
	return []string{"internal/simnet", "internal/evil", "internal/convo", "pkg/store/storetest", "pkg/evm/evmtest"}
}

func placeOf(dir string) (place, bool) {
	for _, p := range places() {
		if within(dir, p.dir) {
			return p, true
		}
	}
	return place{}, false
}

// ours returns the folder of an import of this module.
func ours(spec *ast.ImportSpec) (string, bool) { return strings.CutPrefix(importPath(spec), module) }

func floors(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		from, ok := placeOf(f.dir)
		if !ok {
			out = append(out, t.at(f, f.ast.Name, "the folder stands on no floor; enter it in the table"))
			continue
		}
		for _, spec := range f.ast.Imports {
			dir, ok := ours(spec)
			if !ok || allowed(f, from, dir) {
				continue
			}
			out = append(out, t.at(f, spec, "%s may not import %s", f.dir, dir))
		}
	}
	return out
}

func allowed(f *file, from place, dir string) bool {
	to, known := placeOf(dir)
	switch {
	case within(dir, helpers()...) || f.test && (dir == f.dir || within(dir, testHelpers()...)):
		return true
	case !known:
		return false
	case within(f.dir, "internal/command") && within(dir, "internal/command"):
		return false
	case within(dir, from.imports...):
		return true
	case f.test && from.floor > to.floor: // a test may stand on anything below
		return true
	}
	return from.below && to.floor < from.floor
}

func testOnly(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		if f.test || within(f.dir, testHelpers()...) || within(f.dir, "test", "bench") {
			continue
		}
		for _, spec := range f.ast.Imports {
			if dir, ok := ours(spec); ok && within(dir, testHelpers()...) {
				out = append(out, t.at(f, spec, "%s is for tests", dir))
			}
		}
	}
	return out
}

// guard is a foreign module and the only places that know it.
type guard struct {
	module  string
	folders []string
	files   []string // beginnings of paths
	tests   bool     // only test files
}

func guards() []guard {
	libp2p := []string{"pkg/dht/libp2p", "pkg/gossip/libp2p", "pkg/evm/gateway/libp2p"} // libp2p.go and libp2p_SUBJECT.go
	return []guard{
		{module: "github.com/dgraph-io/badger", folders: []string{"pkg/store"}},
		{module: "github.com/libp2p", folders: []string{"pkg/link", "pkg/node"}, files: libp2p},
		{module: "github.com/ethereum/go-ethereum", folders: []string{"pkg/evm"}},
		{module: "github.com/miekg/dns", folders: []string{"pkg/bootstrap"}},
		{module: "github.com/urfave/cli", folders: []string{"internal/cli", "internal/command", "internal/attach", "internal/gen", "internal/mutants"}}, // gen walks the trees
		{module: "github.com/oasisprotocol/curve25519-voi", folders: []string{"pkg/sig"}},
		{module: "github.com/hdevalence/ed25519consensus", folders: []string{"pkg/sig"}, tests: true},
		{module: "github.com/fxamacker/cbor", folders: []string{"pkg/wire"}},
		{module: "github.com/skip2/go-qrcode", folders: []string{"pkg/qr"}},
		{module: "github.com/makiuchi-d/gozxing", folders: []string{"pkg/qr"}},
		{module: "github.com/xssnick/raptorq", folders: []string{"pkg/fountain"}},
		{module: "github.com/klauspost/reedsolomon", folders: []string{"pkg/bundle"}},
		{module: "github.com/klauspost/compress", folders: []string{"pkg/bundle"}},
		{module: "github.com/zalando/go-keyring", folders: []string{"pkg/keystore"}},
		{module: "filippo.io/mldsa", folders: []string{"pkg/identity", "pkg/evm"}},
		{module: "github.com/godbus/dbus", folders: []string{"pkg/resource", "pkg/link/ble"}},
		{module: "tinygo.org/x/bluetooth", folders: []string{"pkg/resource", "pkg/link/ble"}},
		{module: "github.com/gballet/go-libpcsclite", folders: []string{"pkg/nfc/pcsc"}},
	}
}

// guarded keeps a foreign module where it can be replaced. The labs and the bench meet real peers and are free.
func guarded(t *tree) []Finding {
	var out []Finding
	for _, f := range t.files {
		if within(f.dir, "test", "bench") {
			continue
		}
		for _, spec := range f.ast.Imports {
			for _, g := range guards() {
				if !within(importPath(spec), g.module) {
					continue
				}
				if g.tests && !f.test || !within(f.dir, g.folders...) && !slices.ContainsFunc(g.files, func(p string) bool { return strings.HasPrefix(f.path, p) }) {
					out = append(out, t.at(f, spec, "%s is known only in %s", g.module, strings.Join(append(g.folders, g.files...), ", ")))
				}
			}
		}
	}
	return out
}

// closed walks the imports of the small commands through our own packages: they must stay small enough to be carried.
func closed(t *tree) []Finding {
	var out []Finding
	for _, c := range []struct {
		cmd       string
		forbidden []string
		except    string
	}{
		{"cmd/pars-qr", []string{"github.com/libp2p", "github.com/ethereum"}, ""},
		{"cmd/pars-bundle", []string{"github.com/libp2p", "github.com/ethereum"}, ""},
		{"cmd/pars-bootstrap", []string{"github.com/libp2p", "github.com/ethereum"}, "pkg/evm"}, // names on the chain
	} {
		seen, queue := map[string]bool{c.cmd: true}, []string{c.cmd}
		for len(queue) > 0 {
			dir := queue[0]
			queue = queue[1:]
			for _, f := range t.files {
				if f.dir != dir || f.test {
					continue
				}
				for _, spec := range f.ast.Imports {
					if next, ok := ours(spec); ok && !seen[next] {
						seen[next] = true
						queue = append(queue, next)
					}
					if within(importPath(spec), c.forbidden...) && (c.except == "" || !within(dir, c.except)) {
						out = append(out, t.at(f, spec, "%s would link %s", c.cmd, importPath(spec)))
					}
				}
			}
		}
	}
	return out
}
