package enrtree

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/pars-network/pars/pkg/wire"
)

// sign returns r ‖ s ‖ v as Ethereum has it.
func sign(key *secp256k1.PrivateKey, msg []byte) []byte {
	c := ecdsa.SignCompact(key, keccak(msg), false)
	return append(c[1:], c[0]-27)
}

func rlp(b []byte) []byte {
	if len(b) == 1 && b[0] < 0x80 {
		return b
	}
	return append([]byte{0x80 + byte(len(b))}, b...)
}

func record(key *secp256k1.PrivateKey, ip [4]byte, port uint16) []byte {
	content := rlp([]byte{1})
	for _, kv := range [][2][]byte{{[]byte("id"), []byte("v4")}, {[]byte("ip"), ip[:]}, {[]byte("secp256k1"), key.PubKey().SerializeCompressed()},
		{[]byte("tcp"), {byte(port >> 8), byte(port)}}} {
		content = append(append(content, rlp(kv[0])...), rlp(kv[1])...)
	}
	sig := sign(key, listOf(content))[:64]
	return listOf(append(append([]byte{0xb8, 64}, sig...), content...))
}

// The record of EIP-778's own example.
const example = "enr:-IS4QHCYrYZbAKWCBRlAy5zzaDZXJBGkcnh4MHcBFZntXNFrdvJjX04jRzjzCBOonrkTfj499SZuOh8R33Ls8RRcy5wBgmlkgnY0gmlwhH8AAAGJc2VjcDI1NmsxoQPKY0yuDUmstAHYpMa2_oxVtw0RW_QAdpzBQA8yWM0xOIN1ZHCCdl8"

func TestExample(t *testing.T) {
	e, err := ParseEntry(b32().EncodeToString(keccak([]byte(example))[:16]), example)
	if err != nil {
		t.Fatal(err)
	}
	if e.Node.Seq != 1 || e.Node.IP4 != netip.MustParseAddr("127.0.0.1") || e.Node.UDP != 30303 || len(e.Node.Multiaddrs()) != 0 {
		t.Errorf("got %+v", e.Node)
	}
}

func TestTree(t *testing.T) {
	key := secp256k1.PrivKeyFromBytes([]byte{7})
	link, err := ParseLink(Link{key.PubKey().SerializeCompressed(), "nodes.example"}.String())
	if err != nil {
		t.Fatal(err)
	}
	node := "enr:" + base64.RawURLEncoding.EncodeToString(record(key, [4]byte{20, 1, 2, 3}, 30303))
	hash := func(s string) string { return b32().EncodeToString(keccak([]byte(s))[:16]) }
	branch := "enrtree-branch:" + hash(node)
	signed := fmt.Sprintf("enrtree-root:v1 e=%s l=%s seq=3", hash(branch), hash("enrtree-branch:"))
	root := signed + " sig=" + base64.RawURLEncoding.EncodeToString(sign(key, []byte(signed)))
	r, err := link.ParseRoot(root)
	if err != nil || r.Seq != 3 {
		t.Fatal(r, err)
	}
	e, err := ParseEntry(r.Nodes, branch)
	if err != nil || len(e.Children) != 1 {
		t.Fatal(e, err)
	}
	e, err = ParseEntry(e.Children[0], node)
	if err != nil || len(e.Node.Multiaddrs()) != 1 || !strings.HasPrefix(e.Node.Multiaddrs()[0], "/ip4/20.1.2.3/tcp/30303/p2p/16Uiu2HA") {
		t.Fatal(e.Node, err)
	}
	if e, err := ParseEntry(r.Links, "enrtree-branch:"); err != nil || len(e.Children) != 0 {
		t.Error(e, err)
	}
	// every changed byte is refused
	for i := range root {
		b := []byte(root)
		b[i] ^= 1
		if got, err := link.ParseRoot(string(b)); err == nil && i < len(root)-1 {
			t.Errorf("root with byte %d changed: %+v", i, got)
		}
	}
	raw := record(key, [4]byte{20, 1, 2, 3}, 30303)
	for i := range raw {
		raw[i] ^= 1
		if n, err := DecodeNode(raw); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("node with byte %d changed: %+v, %v", i, n, err)
		}
		raw[i] ^= 1
	}
	if _, err := ParseEntry(hash(node), branch); !errors.Is(err, wire.ErrInvalid) {
		t.Error("another record is taken")
	}
	other := secp256k1.PrivKeyFromBytes([]byte{8})
	if _, err := (Link{other.PubKey().SerializeCompressed(), "a"}).ParseRoot(root); !errors.Is(err, wire.ErrInvalid) {
		t.Error("another key's root is taken")
	}
	for _, s := range []string{"", "enrtree://", "enrtree://AM@b", link.String() + " ", strings.ToLower(link.String()), strings.Repeat("x", 600)} {
		if _, err := ParseLink(s); !errors.Is(err, wire.ErrInvalid) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

func FuzzParseLink(f *testing.F) {
	f.Add("enrtree://AKA3AM6LPBYEUDMVNU3BSVQJ5AD45Y7YPOHJLEF6W26QOE4VTUDPE@nodes.example.org")
	f.Fuzz(func(t *testing.T, s string) {
		if l, err := ParseLink(s); err == nil && strings.TrimSuffix(s, ".") != l.String() {
			t.Errorf("%q has another form", s)
		}
	})
}

func FuzzParseRoot(f *testing.F) {
	f.Add("enrtree-root:v1 e=JWXYDBPXYWG6FX3GMDIBFA6CJ4 l=C7HRFPF3BLGF3YR4DY5KX3SMBE seq=1 sig=AAAA")
	key := secp256k1.PrivKeyFromBytes([]byte{7})
	f.Fuzz(func(t *testing.T, s string) {
		if r, err := (Link{key.PubKey().SerializeCompressed(), "a"}).ParseRoot(s); err == nil {
			t.Errorf("a root that nobody signed: %+v", r)
		}
	})
}

func FuzzParseEntry(f *testing.F) {
	f.Add(example)
	f.Add("enrtree-branch:JWXYDBPXYWG6FX3GMDIBFA6CJ4")
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := ParseEntry(b32().EncodeToString(keccak([]byte(s))[:16]), s); err == nil && len(e.Children) > maxChildren {
			t.Errorf("%q: %+v", s, e)
		}
	})
}

func FuzzDecodeNode(f *testing.F) {
	b, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(example, "enr:"))
	f.Add(b)
	f.Fuzz(func(t *testing.T, b []byte) {
		if n, err := DecodeNode(b); err == nil && len(n.Key) != 33 {
			t.Errorf("%x: %+v", b, n)
		}
	})
}

func ExampleParseLink() {
	l, err := ParseLink("enrtree://AKA3AM6LPBYEUDMVNU3BSVQJ5AD45Y7YPOHJLEF6W26QOE4VTUDPE@nodes.example.org")
	fmt.Println(l.Domain, err)
	// Output: nodes.example.org <nil>
}
