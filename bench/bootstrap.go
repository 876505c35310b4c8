package main

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"

	"github.com/pars-network/pars/pkg/bootstrap/list"
	"github.com/pars-network/pars/pkg/sig"
)

const (
	listPeers = 1000
	enrPeers  = 13 // of an EIP-1459 branch: as many hashes as fit its TXT record of 370 bytes
)

// bootstrapRows measures lists alone, and our validator beside unbound's in the DNS lab when that can run here.
func bootstrapRows(b *bench) error {
	l, trust, err := benchList()
	if err != nil {
		return err
	}
	root, leaf := l.Root.Encode(), l.Leaves[7].Encode()
	const rounds = 500.0
	var s series
	for range 5 {
		c, err := timed(func() error {
			for range int(rounds) {
				r, err := list.DecodeRoot(root)
				if err != nil {
					return err
				}
				if _, err := trust.Check(r, nil, list.Arrival{Now: r.Issued}); err != nil {
					return err
				}
				f, err := list.DecodeLeaf(leaf)
				if err != nil {
					return err
				}
				if err := r.CheckLeaf(f, false); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		s = append(s, c)
	}
	b.add(row{Area: "bootstrap", Measure: "root of 3 signatures and a leaf, checked", Unit: "ms CPU", Rounds: 5}, nil, s.median(cpu, 1000/rounds)).atMost(0.5)
	first, tree := once(1+3+20), once(float64(1+eip1459(listPeers)))
	b.add(row{Area: "bootstrap", Measure: "look-ups for the first 20 peers", Unit: "queries", Peer: "EIP-1459", Rounds: 1}, &first,
		once(2)).atMost(2).note("root and one leaf; the peer's are root, three branches and twenty nodes; asserted against real servers by TestDNSPublish")
	b.add(row{Area: "bootstrap", Measure: "look-ups for 1,000 peers", Unit: "queries", Peer: "EIP-1459", Rounds: 1}, &tree, once(float64(1+l.Root.Leaves))).atMost(60).
		note("the peer's are computed: one record a node and a branch of 13")
	b.add(row{Area: "bootstrap", Measure: "root and leaves of 1,000 peers", Unit: "bytes", Rounds: 1}, nil, once(float64(len(l.EncodeFile()))))
	return coldRows(b)
}

// eip1459 is how many records a tree of n nodes has.
func eip1459(n int) int {
	total := n
	for n > 1 {
		n = (n + enrPeers - 1) / enrPeers
		total += n
	}
	return total
}

func benchList() (*list.List, *list.Trust, error) {
	var keys []sig.Private
	set := &list.Set{Network: list.Tag{1}, K: 3}
	for i := range 5 {
		keys = append(keys, sig.FromSeed([32]byte{byte(i)}))
	}
	slices.SortFunc(keys, func(a, b sig.Private) int {
		x, y := a.Public(), b.Public()
		return slices.Compare(x[:], y[:])
	})
	for _, k := range keys {
		set.Keys = append(set.Keys, k.Public())
	}
	d := list.Draft{Set: set, Seq: 1, Issued: 1_800_000_000}
	for i := range listPeers {
		var seed [32]byte
		binary.BigEndian.PutUint32(seed[:], uint32(i+100))
		at := fmt.Sprintf("/ip4/20.%d.%d.1/", i/250, i%250)
		a, err := list.ReadAddrs([]string{at + "tcp/4001", at + "udp/4001/quic-v1"})
		if err != nil {
			return nil, nil, err
		}
		d.Entries = append(d.Entries, list.Entry{Key: sig.FromSeed(seed).Public(), Addrs: a})
	}
	l, err := d.Build()
	if err != nil {
		return nil, nil, err
	}
	for _, k := range keys[:3] {
		if err := l.Root.SignWith(set, k); err != nil {
			return nil, nil, err
		}
	}
	t, err := list.NewTrust(set.Network, set)
	return l, t, err
}

// coldRows runs the lab of name servers and a program in it.
func coldRows(b *bench) error {
	if _, err := exec.LookPath("knotd"); err != nil || os.Getuid() != 0 {
		fmt.Fprintln(os.Stderr, "bench: bootstrap: no DNS lab here: it needs root and what test/lab/install.sh installs")
		return nil
	}
	program, err := b.theirs("dnscold")
	if err != nil {
		return err
	}
	lab, dir := filepath.Join(b.root, "test", "lab", "dns", "lab.sh"), filepath.Join(b.dir, "dns")
	if err := os.Chmod(b.dir, 0o755); err != nil { // the servers drop what they do not need
		return err
	}
	if _, err := output(lab, "up", dir); err != nil {
		return err
	}
	text, err := output(lab, "exec", dir, program)
	if _, down := output(lab, "down", dir); err == nil {
		err = down
	}
	if err != nil {
		return err
	}
	var r struct {
		Unbound []float64 `json:"unbound_ms"`
		Ours    []float64 `json:"ours_ms"`
		Queries int       `json:"queries"`
		Bytes   int       `json:"chain_bytes"`
		Chain   []float64 `json:"chain_ms"`
	}
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		return err
	}
	if len(r.Ours) == 0 || len(r.Chain) == 0 {
		return errors.New("dnscold measured nothing")
	}
	theirs := values(r.Unbound)
	cold := b.add(row{Area: "bootstrap", Measure: "15 names, cold, validated", Unit: "ms", Peer: "unbound", Rounds: len(r.Ours)}, &theirs, values(r.Ours))
	cold.aim("<= 1.5 x", cold.Ratio <= 1.5).note("both forward to one kresd, in turns; %d queries of ours", r.Queries)
	b.add(row{Area: "bootstrap", Measure: "proof chain of 3 zones, verified", Unit: "ms CPU", Rounds: len(r.Chain)}, nil, values(r.Chain)).atMost(1)
	b.add(row{Area: "bootstrap", Measure: "proof chain of 3 zones", Unit: "bytes", Rounds: 1}, nil, once(float64(r.Bytes))).atMost(1600)
	return nil
}

// values is the figure of numbers that were measured elsewhere.
func values(all []float64) figure {
	var s series
	for _, v := range all {
		s = append(s, cost{value: v})
	}
	return s.median(value, 1)
}
