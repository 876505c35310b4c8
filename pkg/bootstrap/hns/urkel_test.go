package hns

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/pars-network/pars/pkg/wire"
)

type vector struct {
	root, key Hash
	proof     []byte
	value     []byte // nil: absent
}

func vectors(t testing.TB) []vector {
	t.Helper()
	text, err := os.ReadFile("testdata/urkel.txt")
	if err != nil {
		t.Fatal(err)
	}
	var out []vector
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSpace(line), " ")
		if len(f) < 4 || f[3] != "0" {
			t.Fatalf("vector %q", line)
		}
		v := vector{root: Hash(unhex(t, f[0])), key: Hash(unhex(t, f[1])), proof: unhex(t, f[2])}
		if len(f) == 5 {
			v.value = unhex(t, f[4])
		}
		out = append(out, v)
	}
	return out
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestProofsOfUrkel(t *testing.T) {
	seen := map[Kind]int{}
	for i, v := range vectors(t) {
		p, err := DecodeProof(v.proof)
		if err != nil {
			t.Fatalf("%d: %v", i, err)
		}
		seen[p.Kind]++
		got, err := p.Verify(v.root, v.key)
		if err != nil || !bytes.Equal(got, v.value) || (got == nil) != (v.value == nil) {
			t.Errorf("%d %v: %x, %v; want %x", i, p.Kind, got, err, v.value)
		}
		if !bytes.Equal(p.Encode(), v.proof) {
			t.Errorf("%d: another encoding", i)
		}
	}
	for k := DeadEnd; k <= Exists; k++ {
		if seen[k] == 0 {
			t.Errorf("no vector is a %v", k)
		}
	}
}

// verdict is what a proof says of a key: its value, or that there is none.
func verdict(proof []byte, root, key Hash) (value []byte, err error) {
	p, err := DecodeProof(proof)
	if err != nil {
		return nil, err
	}
	return p.Verify(root, key)
}

// No flipped bit of any proof passes, for the spare bits that the prover's own check lets pass are refused too.
func TestProofFlips(t *testing.T) {
	accepted, tried := 0, 0
	for n, v := range vectors(t) {
		if n%3 > 0 {
			continue
		}
		for i := range len(v.proof) * 8 {
			bad := bytes.Clone(v.proof)
			bad[i/8] ^= 0x80 >> (i % 8)
			tried++
			if _, err := verdict(bad, v.root, v.key); err == nil {
				accepted++
				t.Errorf("bit %d of %x is accepted", i, v.proof)
			} else if !errors.Is(err, wire.ErrInvalid) {
				t.Errorf("bit %d: %v", i, err)
			}
		}
	}
	if tried < 50_000 {
		t.Errorf("only %d flips were tried", tried)
	}
}

func TestProofCutsAndTails(t *testing.T) {
	for _, v := range vectors(t) {
		for n := range v.proof {
			if _, err := verdict(v.proof[:n], v.root, v.key); err == nil {
				t.Fatalf("%d bytes of %x are accepted", n, v.proof)
			}
		}
		if _, err := verdict(append(bytes.Clone(v.proof), 0), v.root, v.key); err == nil {
			t.Fatalf("%x is accepted with a byte more", v.proof)
		}
	}
}

// A proof holds for its own key and root alone.
func TestProofOfAnother(t *testing.T) {
	all := vectors(t)
	for i, v := range all {
		for j, w := range all {
			if v.root == w.root && v.key == w.key {
				continue
			}
			value, err := verdict(v.proof, w.root, w.key)
			if err != nil {
				continue
			}
			// Only an absent key may share its proof with another absent one: of the same empty place.
			if value != nil || w.value != nil {
				t.Errorf("proof %d shows %x for key %d", i, value, j)
			}
		}
	}
}

// What a prover would have to invent to hide a name that exists.
func TestProofOfAbsenceIsNotMadeUp(t *testing.T) {
	for _, v := range vectors(t) {
		p, err := DecodeProof(v.proof)
		if err != nil || p.Kind != Exists {
			continue
		}
		lie := *p
		lie.Kind, lie.Key, lie.ValueHash, lie.Value = Collision, v.key, valueHash(p.Value), nil
		if _, err := lie.Verify(v.root, v.key); err == nil {
			t.Error("the leaf of the key passes for another's")
		}
		lie.Kind = DeadEnd
		if _, err := lie.Verify(v.root, v.key); err == nil {
			t.Error("a cut path passes for an empty one")
		}
	}
}

// A prover that stops at a branch which the key passes, and calls it one that the key has not.
func TestProofDoesNotStopShort(t *testing.T) {
	tried := 0
	for _, v := range vectors(t) {
		p, err := DecodeProof(v.proof)
		if err != nil || p.Kind != Exists {
			continue
		}
		below, depth := leaf(v.key, valueHash(p.Value)), p.Depth
		for i := len(p.Nodes) - 1; i >= 0; i-- {
			n := p.Nodes[i]
			left, right := below, n.Sibling
			if depth--; bit(v.key[:], depth) {
				left, right = right, left
			}
			depth -= n.Prefix.Size
			if n.Prefix.Size > 0 {
				lie := Proof{Kind: Short, Depth: depth, Nodes: p.Nodes[:i], Prefix: n.Prefix, Left: left, Right: right}
				if _, err := lie.Verify(v.root, v.key); err == nil {
					t.Errorf("%x is hidden behind a branch", v.key)
				}
				tried++
			}
			below = branch(n.Prefix, left, right)
		}
		if below != v.root {
			t.Fatal("the path does not lead to the root")
		}
	}
	if tried == 0 {
		t.Error("no vector has such a branch")
	}
}

// A proof of absence that passes a branch which the key has not is of another key.
func TestProofOfAnotherPath(t *testing.T) {
	tried := map[Kind]int{}
	for _, v := range vectors(t) {
		p, err := DecodeProof(v.proof)
		if err != nil {
			t.Fatal(err)
		}
		depth := 0
		for _, n := range p.Nodes {
			if n.Prefix.Size > 0 {
				key := v.key
				key[depth/8] ^= 0x80 >> (depth % 8)
				if _, err := p.Verify(v.root, key); err == nil {
					t.Errorf("%v: %x serves another key", p.Kind, v.proof)
				}
				tried[p.Kind]++
			}
			depth += n.Prefix.Size + 1
		}
	}
	if tried[Collision] == 0 || tried[Exists] == 0 {
		t.Errorf("tried %v", tried)
	}
	// A branch behind the bits 1010, then 0, and there one behind 11.
	p := &Proof{Kind: Short, Depth: 5, Nodes: []Node{{Bits{4, []byte{0xa0}}, Hash{1}}}, Prefix: Bits{2, []byte{0xc0}}, Left: Hash{2}, Right: Hash{3}}
	root := branch(p.Nodes[0].Prefix, branch(p.Prefix, p.Left, p.Right), p.Nodes[0].Sibling)
	for key, ok := range map[byte]bool{0xa0: true, 0xa4: true, 0xa6: false, 0xa8: false, 0xb0: false, 0x20: false} {
		if _, err := p.Verify(root, Hash{key}); (err == nil) != ok {
			t.Errorf("key %x: %v", key, err)
		}
	}
}

func FuzzDecodeProof(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.proof)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, err := DecodeProof(b)
		if err != nil {
			if !errors.Is(err, wire.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		if !bytes.Equal(p.Encode(), b) {
			t.Fatalf("%x has two encodings", b)
		}
		p.Verify(Hash{}, Hash{1}) // must not panic
	})
}
