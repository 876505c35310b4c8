// Package enrtree reads lists of nodes that others publish in DNS as EIP-1459 has them, to be hints for us.
//
// A tree is named by enrtree://KEY@DOMAIN. Its root is signed by that key, every other record is named by its own hash, and its leaves
// are node records (EIP-778), each signed by the node. Ours are lists of another kind: a tree takes a look-up for each node, and
// its records cannot say what our nodes do.
package enrtree

import (
	"bytes"
	"encoding/base32"
	"encoding/base64"
	"strconv"
	"strings"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	"github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
	"golang.org/x/crypto/sha3"

	"github.com/pars-network/pars/pkg/wire"
)

const (
	scheme      = "enrtree://"
	branchHead  = "enrtree-branch:"
	nodeHead    = "enr:"
	rootHead    = "enrtree-root:v1 "
	maxRecord   = 4096 // characters of a TXT record
	maxChildren = 32
	hashLen     = 26 // characters of base32 over 16 bytes
)

// Link is the name of a tree.
type Link struct {
	Key    []byte // compressed secp256k1 key, 33 bytes
	Domain string
}

func b32() *base32.Encoding { return base32.StdEncoding.WithPadding(base32.NoPadding) }

// ParseLink reads enrtree://KEY@DOMAIN. Errors wrap wire.ErrInvalid.
func ParseLink(s string) (Link, error) {
	rest, ok := strings.CutPrefix(s, scheme)
	key, domain, at := strings.Cut(rest, "@")
	if !ok || !at || len(s) > 512 || domain == "" || strings.ContainsAny(domain, " @/") {
		return Link{}, wire.Invalid("%.64q is not enrtree://KEY@DOMAIN", s)
	}
	b, err := b32().DecodeString(key)
	if err != nil || len(b) != 33 || b32().EncodeToString(b) != key {
		return Link{}, wire.Invalid("the key of a tree is no base32 of 33 bytes")
	}
	if _, err := secp256k1.ParsePubKey(b); err != nil {
		return Link{}, wire.Invalid("the key of a tree is no point of secp256k1")
	}
	return Link{b, strings.TrimSuffix(domain, ".")}, nil
}

// String is the link as ParseLink reads it.
func (l Link) String() string { return scheme + b32().EncodeToString(l.Key) + "@" + l.Domain }

// Root is the record at the domain itself.
type Root struct {
	Nodes string // hash of the tree of nodes
	Links string // hash of the tree of links to other trees
	Seq   uint64
}

// ParseRoot reads a root and checks its signature. Errors wrap wire.ErrInvalid.
func (l Link) ParseRoot(s string) (r Root, err error) {
	signed, text, ok := strings.Cut(s, " sig=")
	f := strings.Fields(signed)
	if !ok || len(s) > maxRecord || !strings.HasPrefix(s, rootHead) || len(f) != 4 {
		return r, wire.Invalid("this is no root of a tree")
	}
	e, ok1 := strings.CutPrefix(f[1], "e=")
	links, ok2 := strings.CutPrefix(f[2], "l=")
	seq, ok3 := strings.CutPrefix(f[3], "seq=")
	n, err := strconv.ParseUint(seq, 10, 64)
	if !ok1 || !ok2 || !ok3 || err != nil || !isHash(e) || !isHash(links) || signed != strings.Join(f, " ") {
		return r, wire.Invalid("this is no root of a tree")
	}
	sig, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil || len(sig) != 65 || !verify(l.Key, []byte(signed), sig[:64]) {
		return r, wire.Invalid("the signature of the tree's root is wrong")
	}
	return Root{e, links, n}, nil
}

func isHash(s string) bool {
	b, err := b32().DecodeString(s)
	return len(s) == hashLen && err == nil && len(b) == 16
}

func keccak(b []byte) []byte {
	h := sha3.NewLegacyKeccak256()
	h.Write(b)
	return h.Sum(nil)
}

// verify checks r ‖ s over the Keccak-256 of a message; s is at most half the order, so that a signature has one form.
func verify(key, msg, sig []byte) bool {
	pub, err := secp256k1.ParsePubKey(key)
	var r, s secp256k1.ModNScalar
	if err != nil || r.SetByteSlice(sig[:32]) || s.SetByteSlice(sig[32:]) || r.IsZero() || s.IsZero() || s.IsOverHalfOrder() {
		return false
	}
	return ecdsa.NewSignature(&r, &s).Verify(keccak(msg), pub)
}

// Entry is a record of a tree: children, or a node.
type Entry struct {
	Children []string // hashes
	Node     *Node    // nil of a branch
}

// ParseEntry reads the record that stands under a hash and checks that it is the one. Errors wrap wire.ErrInvalid.
func ParseEntry(hash, s string) (e Entry, err error) {
	if len(s) > maxRecord || !bytes.Equal([]byte(hash), []byte(b32().EncodeToString(keccak([]byte(s))[:16]))) {
		return e, wire.Invalid("the record of a tree has another hash")
	}
	if rest, ok := strings.CutPrefix(s, nodeHead); ok {
		b, err := base64.RawURLEncoding.Strict().DecodeString(rest)
		if err != nil {
			return e, wire.Invalid("node record: %v", err)
		}
		e.Node, err = DecodeNode(b)
		return e, err
	}
	rest, ok := strings.CutPrefix(s, branchHead)
	if !ok {
		return e, wire.Invalid("a record that is neither branch nor node")
	}
	for h := range strings.SplitSeq(rest, ",") {
		if h == "" && rest == "" {
			break
		}
		if !isHash(h) || len(e.Children) == maxChildren {
			return e, wire.Invalid("branch of what are no hashes, or of too many")
		}
		e.Children = append(e.Children, h)
	}
	return e, nil
}
