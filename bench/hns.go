package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/pars-network/pars/pkg/bootstrap/hns"
)

// hnsRows measures headers and proofs beside hsd and npm urkel, and a whole look-up against real hsd where the lab can run. hnsd is in
// no registry, and is not measured.
func hnsRows(b *bench) error {
	dir := os.Getenv("PARS_LAB_HANDSHAKE")
	if dir == "" {
		dir = "/var/cache/pars-lab/handshake"
	}
	if _, err := os.Stat(filepath.Join(dir, "stamp")); err != nil {
		return fmt.Errorf("no hsd to measure beside; run test/lab/install.sh: %w", err)
	}
	if err := hnsHeaders(b, dir); err != nil {
		return err
	}
	if err := hnsProofs(b, dir); err != nil {
		return err
	}
	if os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "bench: hns: a look-up against hsd needs root, and is left out")
		return nil
	}
	return hnsLookup(b, dir)
}

// hsdTime runs time.js and returns the CPU time that it tells.
func (b *bench) hsdTime(dir string, args ...string) (cost, error) {
	cmd := exec.Command("node", append([]string{filepath.Join(b.root, "test/lab/handshake/time.js"), dir}, args...)...)
	cmd.Env = append(os.Environ(), "NODE_BACKEND=native")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return cost{}, err
	}
	sec, err := strconv.ParseFloat(strings.TrimSpace(string(out)), 64)
	return cost{wall: sec, cpu: sec}, err
}

func hnsHeaders(b *bench, dir string) error {
	const mainHeaders = 357_000 // of the main net, about
	n := mainHeaders
	if b.quick {
		n /= 10
	}
	file := filepath.Join(b.root, "pkg/bootstrap/hns/data/main.checkpoint")
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	network, err := hns.LoadNetwork("main")
	if err != nil {
		return err
	}
	per := (len(data) - 36) / hns.HeaderSize
	p, o, err := duel(func() (cost, error) { return b.hsdTime(dir, "headers", file, strconv.Itoa(n)) }, each(n/per, func() error {
		c, err := hns.DecodeCheckpoint(network, data)
		if err == nil && c.Tip().Height != 136_149 {
			err = fmt.Errorf("tip %v", c.Tip())
		}
		return err
	}))
	if err != nil {
		return err
	}
	scale := float64(mainHeaders) / float64(n)
	pf, of := p.median(cpu, scale), o.median(cpu, scale)
	b.add(row{Area: "hns", Measure: "357,000 headers of the main net checked", Unit: "s CPU", Peer: "hsd 8.0.0", Rounds: len(o)}, &pf, of).atMost(1.5).
		note("ours also links, keeps and sums the work, and checks times; the peer decodes, hashes and compares with the target")
	return hnsMemory(b, network, data)
}

// hnsMemory is what a chain holds when it has read the whole main net: the last Keep headers.
func hnsMemory(b *bench, network *hns.Network, data []byte) error {
	const chains = 64
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var held []*hns.Chain
	for range chains {
		c, err := hns.DecodeCheckpoint(network, data)
		if err != nil {
			return err
		}
		held = append(held, c)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	per := float64(after.HeapAlloc-before.HeapAlloc) / chains / float64((len(data)-36)/hns.HeaderSize)
	runtime.KeepAlive(held)
	b.add(row{Area: "hns", Measure: "heap of a chain of the main net", Unit: "MB", Peer: "hnsd (published)", Rounds: 1}, nil, once(per*hns.Keep/(1<<20))).atMost(12).
		note("%.0f B a header, %d held; hnsd says 12 MB of its whole process", per, hns.Keep)
	return nil
}

func hnsProofs(b *bench, dir string) error {
	n := 10_000
	if b.quick {
		n = 2000
	}
	cmd := exec.Command("node", filepath.Join(b.root, "test/lab/handshake/proofs.js"), dir, strconv.Itoa(2*n), strconv.Itoa(n))
	cmd.Env = append(os.Environ(), "NODE_BACKEND=native")
	text, err := cmd.Output()
	if err != nil {
		return err
	}
	file := filepath.Join(b.dir, "proofs")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return err
	}
	type vector struct {
		root, key hns.Hash
		proof     []byte
	}
	var list []vector
	for line := range strings.Lines(string(text)) {
		f := strings.Split(line, " ")
		var v vector
		if v.proof, err = hex.DecodeString(f[2]); err != nil {
			return err
		}
		if err := v.root.UnmarshalText([]byte(f[0])); err != nil {
			return err
		}
		if err := v.key.UnmarshalText([]byte(f[1])); err != nil {
			return err
		}
		list = append(list, v)
	}
	p, o, err := duel(func() (cost, error) { return b.hsdTime(dir, "proofs", file) }, each(1, func() error {
		for _, v := range list {
			p, err := hns.DecodeProof(v.proof)
			if err != nil {
				return err
			}
			if _, err := p.Verify(v.root, v.key); err != nil {
				return err
			}
		}
		return nil
	}))
	if err != nil {
		return err
	}
	scale := 1e6 / float64(len(list))
	pf, of := p.median(cpu, scale), o.median(cpu, scale)
	r := b.add(row{Area: "hns", Measure: "proof of a name checked", Unit: "us CPU", Peer: "urkel 1.0.3", Rounds: len(o)}, &pf, of)
	r.aim("<= peer", r.Ratio <= 1)
	return nil
}

// hnsLookup resolves a name from nothing but the first block, against hsd.
func hnsLookup(b *bench, dir string) error {
	bin, err := b.ours("pars-bootstrap")
	if err != nil {
		return err
	}
	lab, script := filepath.Join(b.dir, "hns"), filepath.Join(b.root, "test/lab/handshake/lab.sh")
	if out, err := exec.Command(script, "up", dir, lab).CombinedOutput(); err != nil {
		return fmt.Errorf("lab.sh up: %w: %s", err, out)
	}
	defer func() {
		if out, err := exec.Command(script, "down", lab).CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "bench: hns: lab.sh down: %v: %s\n", err, out)
		}
	}()
	var idle, look series
	for i := range 7 {
		home := filepath.Join(b.dir, "hnshome"+strconv.Itoa(i))
		for _, side := range []struct {
			into *series
			args []string
		}{{&idle, []string{"hns", "status", "--chain", "regtest"}}, {&look, []string{"hns", "resolve", "parsgood", "--chain", "regtest", "--peer", "127.0.0.1", "--agree", "1"}}} {
			cmd := exec.Command(script, append([]string{"exec", lab, bin}, append(side.args, "--home", home)...)...)
			var out bytes.Buffer
			cmd.Stdout, cmd.Stderr = &out, os.Stderr
			c, err := timed(cmd.Run)
			if err != nil || side.into == &look && !strings.Contains(out.String(), "parsgood.\tDS") {
				return fmt.Errorf("%v: %w: %s", side.args, err, out.String())
			}
			*side.into = append(*side.into, c)
		}
	}
	iw, lw := idle.median(wall, 1000), look.median(wall, 1000)
	b.add(row{Area: "hns", Measure: "146 headers and a proof from hsd, from nothing", Unit: "ms", Rounds: len(look)}, nil, figure{max(0, lw.median-iw.median), lw.spread}).atMost(30).
		note("a whole command, %.0f ms, less one that asks nobody, %.0f ms", lw.median, iw.median)
	return nil
}
