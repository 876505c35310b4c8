package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// nncpRows sends one file of 256 MiB from one home to another, sealed, beside NNCP: out to a stick and in from it.
func nncpRows(b *bench) error {
	if _, err := exec.LookPath("nncp-file"); err != nil {
		fmt.Fprintln(os.Stderr, "bench: bundle: no nncp here (Debian package nncp): its rows are left out")
		return nil
	}
	size := int64(256 << 20)
	if b.quick {
		size = 64 << 20
	}
	dir := filepath.Join(b.dir, "nncp")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	big := filepath.Join(dir, "big.bin")
	if err := randomFile(big, size); err != nil {
		return err
	}
	n, err := newNNCP(dir)
	if err != nil {
		return err
	}
	o, err := newSticks(b, dir)
	if err != nil {
		return err
	}
	for _, parity := range []string{"0%", "8%"} { // NNCP adds none
		if err := sealedRows(b, n, o, big, parity); err != nil {
			return err
		}
	}
	return nil
}

// sealedRows lets NNCP and us carry a file, ours with some parity.
func sealedRows(b *bench, n *nncp, o *sticks, big, parity string) error {
	var peerIn, ourIn series
	p, q, err := duel(
		func() (cost, error) { out, in, err := n.trip(big); peerIn = append(peerIn, in); return out, err },
		func() (cost, error) { out, in, err := o.trip(big, parity); ourIn = append(ourIn, in); return out, err })
	if err != nil {
		return err
	}
	info, err := os.Stat(big)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("file of %d MiB, sealed, %s parity, ", info.Size()>>20, parity)
	for _, d := range []struct {
		way  string
		p, o series
	}{{"out", p, q}, {"in", peerIn, ourIn}} {
		pw, ow := d.p.median(wall, 1), d.o.median(wall, 1)
		r := row{Area: "bundle", Measure: what + d.way, Unit: "s", Peer: "NNCP 8.8, file, bundle and toss", Rounds: len(d.o)}
		b.add(r, &pw, ow).aim("<= 0.5 x", ow.median*2 <= pw.median).note("NNCP adds no parity; our size bucket off")
		pc, oc := d.p.median(cpu, 1), d.o.median(cpu, 1)
		r.Measure += ", CPU"
		b.add(r, &pc, oc)
	}
	return nil
}

func randomFile(name string, size int64) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	r := rand.NewChaCha8([32]byte{9})
	buf := make([]byte, 1<<20)
	for left := size; left > 0; left -= int64(len(buf)) {
		r.Read(buf)
		if _, err := f.Write(buf); err != nil {
			return err
		}
	}
	return f.Sync()
}

// nncp is two nodes that know each other.
type nncp struct{ dir, from, to string }

func newNNCP(dir string) (*nncp, error) {
	n := &nncp{dir: dir}
	var text [2]string
	keys := map[string]string{}
	for i, name := range []string{"a", "b"} {
		out, err := exec.Command("nncp-cfgnew", "-nocomments").Output()
		if err != nil {
			return nil, fmt.Errorf("nncp-cfgnew: %w", err)
		}
		text[i] = strings.ReplaceAll(string(out), "/var/spool/nncp", filepath.Join(dir, "spool-"+name))
		for _, k := range []string{"id", "exchpub", "signpub", "noisepub"} {
			keys[name+k] = regexp.MustCompile(k + `: (\S+)`).FindStringSubmatch(text[i])[1]
		}
	}
	for i, name := range []string{"a", "b"} {
		other := "b"
		if name == "b" {
			other = "a"
		}
		neigh := fmt.Sprintf("  neigh: {\n    peer: {\n      id: %s\n      exchpub: %s\n      signpub: %s\n      noisepub: %s\n      incoming: %q\n    }\n",
			keys[other+"id"], keys[other+"exchpub"], keys[other+"signpub"], keys[other+"noisepub"], filepath.Join(dir, "in-"+name))
		path := filepath.Join(dir, name+".hjson")
		for _, folder := range []string{"in-", "spool-"} {
			if err := os.MkdirAll(filepath.Join(dir, folder+name), 0o700); err != nil {
				return nil, err
			}
		}
		if err := os.WriteFile(path, []byte(strings.Replace(text[i], "  neigh: {\n", neigh, 1)), 0o600); err != nil {
			return nil, err
		}
		if name == "a" {
			n.from = path
		} else {
			n.to = path
		}
	}
	return n, nil
}

// trip queues a file, writes it to a stick, reads it there and puts it in place.
func (n *nncp) trip(big string) (out, in cost, err error) {
	stick := filepath.Join(n.dir, "nncp.stick")
	os.Remove(stick) // freeing the last one's blocks is no part of this trip
	if err = run(&out, nil, "", "", "nncp-file", "-quiet", "-noprogress", "-cfg", n.from, big, "peer:"); err != nil {
		return out, in, err
	}
	if err = run(&out, nil, "", stick, "nncp-bundle", "-quiet", "-noprogress", "-cfg", n.from, "-tx", "-delete", "peer"); err != nil {
		return out, in, err
	}
	if err = run(&out, nil, "", "", "sync", stick); err != nil { // ours ends when the stick has it
		return out, in, err
	}
	if err = run(&in, nil, stick, "", "nncp-bundle", "-quiet", "-noprogress", "-cfg", n.to, "-rx"); err != nil {
		return out, in, err
	}
	if err = run(&in, nil, "", "", "nncp-toss", "-quiet", "-noprogress", "-cfg", n.to); err != nil {
		return out, in, err
	}
	return out, in, same(big, filepath.Join(n.dir, "in-b"))
}

// same finds the one file below a folder, compares its size with that of big, and removes it.
func same(big, dir string) error {
	want, err := os.Stat(big)
	if err != nil {
		return err
	}
	got := int64(-1)
	err = filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && info.Mode().IsRegular() {
			got = info.Size()
			return os.Remove(path)
		}
		return err
	})
	if err == nil && got != want.Size() {
		err = fmt.Errorf("%d bytes came of %d", got, want.Size())
	}
	return err
}

// sticks is two homes that share a session.
type sticks struct {
	dir, bin, session string
	round             int
}

func newSticks(b *bench, dir string) (*sticks, error) {
	bin, err := b.ours("pars-bundle")
	if err != nil {
		return nil, err
	}
	node, err := b.ours("pars-node")
	if err != nil {
		return nil, err
	}
	s := &sticks{dir: dir, bin: bin}
	env := []string{"PARS_PROFILE=devnet"}
	var c cost
	at := func(name string) string { return filepath.Join(dir, name) }
	for _, step := range [][]string{
		{"", "", "init", "--home", at("a")}, {"", at("invite"), "invite", "--home", at("a")},
		{at("invite"), at("session"), "join", "--home", at("b"), "-"}} {
		if err := run(&c, env, step[0], step[1], node, step[2:]...); err != nil {
			return nil, err
		}
	}
	id, err := os.ReadFile(at("session"))
	s.session = strings.TrimSpace(string(id))
	return s, err
}

// trip packs a file for the room and unpacks it in the other home.
func (s *sticks) trip(big, parity string) (out, in cost, err error) {
	env := []string{"PARS_PROFILE=devnet"}
	stick := filepath.Join(s.dir, "ours.stick")
	os.Remove(stick)
	s.round++
	at := fmt.Sprintf("2026-02-%02dT00:00:00Z", s.round) // another bundle each time: one that was taken is not read again
	if err = run(&out, env, "", "", s.bin, "pack", "--home", filepath.Join(s.dir, "a"), "--session", s.session, "--add", "file:"+big,
		"--parity", parity, "--pad", "none", "--no-readback", "--at", at, "-o", stick); err != nil {
		return out, in, err
	}
	if err = run(&in, env, "", "", s.bin, "unpack", "--home", filepath.Join(s.dir, "b"), "--into", filepath.Join(s.dir, "into"), stick); err != nil {
		return out, in, err
	}
	return out, in, same(big, filepath.Join(s.dir, "into"))
}
