package list

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"

	"github.com/pars-network/pars/pkg/wire"
)

// Texts of a list.
const (
	txtHead   = "pars1 "
	textHead  = "pars:list/"
	MaxAnswer = 1232 // bytes of a DNS answer that passes every path unfragmented
)

// MaxFile is the largest file of a list in bytes.
const MaxFile = 2 + MaxRoot + MaxLeaves*(2+MaxLeaf)

func b64() *base64.Encoding { return base64.RawURLEncoding.Strict() }

// TXT returns the text of a TXT record: "pars1 " and base64url.
func TXT(b []byte) string { return txtHead + b64().EncodeToString(b) }

// ParseTXT is the inverse of TXT. Of a text that is another's, ours is false.
func ParseTXT(s string) (b []byte, ours bool, err error) {
	rest, ours := strings.CutPrefix(s, txtHead)
	if !ours {
		return nil, false, nil
	}
	if len(rest) > base64.RawURLEncoding.EncodedLen(max(MaxRoot, MaxRotation, MaxLeaf)) {
		return nil, true, wire.Invalid("text record of %d characters", len(s))
	}
	b, err = unbase64(rest)
	return b, true, err
}

// unbase64 refuses the line ends that encoding/base64 passes over.
func unbase64(s string) ([]byte, error) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, wire.Invalid("a line end within base64")
	}
	b, err := b64().DecodeString(s)
	if err != nil {
		return nil, wire.Invalid("%v", err)
	}
	return b, nil
}

// RootName returns where the root of a zone's list stands.
func RootName(zone string) string { return "_pars." + zone }

// LeafName returns where a leaf of the list stands.
func (r *Root) LeafName(index int, zone string) string {
	return strconv.Itoa(index) + "." + r.Label() + "." + RootName(zone)
}

// RotationName returns where the record that leads to an epoch stands.
func RotationName(epoch uint32, zone string) string {
	return "r" + strconv.FormatUint(uint64(epoch), 10) + "." + RootName(zone)
}

// LeafRoom returns how many bytes a leaf may have so that its answer from the zone is at most MaxAnswer: header 12, question,
// record head 12, EDNS 11, and base64url in strings of 255.
func LeafRoom(zone string) int {
	name := 4 + 9 + 6 + len(strings.TrimSuffix(zone, ".")) + 2
	rdata := MaxAnswer - 12 - (name + 4) - 12 - 11
	text := rdata - (rdata+255)/256 - len(txtHead)
	return min(MaxLeaf, text*3/4)
}

// EncodeFile returns the .pbl form: root length u16 ‖ root, then length u16 ‖ leaf for each that is in hand.
func (l *List) EncodeFile() []byte {
	root := l.Root.Encode()
	b := append(binary.BigEndian.AppendUint16(nil, uint16(len(root))), root...)
	for _, leaf := range l.Leaves {
		if leaf != nil {
			x := leaf.Encode()
			b = append(binary.BigEndian.AppendUint16(b, uint16(len(x))), x...)
		}
	}
	return b
}

// DecodeFile is the inverse of EncodeFile. It refuses leaves that do not belong to the root or stand out of order. The
// root's signatures are not checked. Errors wrap wire.ErrInvalid or are a Refusal.
func DecodeFile(b []byte, private bool) (*List, error) {
	if len(b) > MaxFile {
		return nil, wire.Invalid("list of %d bytes, at most %d", len(b), MaxFile)
	}
	d := wire.NewReader(b)
	root, err := DecodeRoot(d.Take(int(d.Uint16())))
	if d.Err() != nil {
		return nil, d.Err()
	}
	if err != nil {
		return nil, err
	}
	l := &List{Root: root, Leaves: make([]*Leaf, root.Leaves)}
	for last := -1; d.Len() > 0; {
		x := d.Take(int(d.Uint16()))
		if d.Err() != nil {
			return nil, d.Err()
		}
		leaf, err := DecodeLeaf(x)
		if err != nil {
			return nil, err
		}
		if leaf.Index <= last {
			return nil, wire.Invalid("leaves of a file do not ascend")
		}
		if last = leaf.Index; leaf.Index >= root.Leaves {
			return nil, refuse(BadLeaf, "leaf %d in a list of %d", leaf.Index, root.Leaves)
		}
		if err := l.Add(leaf, private); err != nil {
			return nil, err
		}
	}
	return l, l.Complete()
}

// Text returns the list as a line that may be pasted, sent as a message or drawn as a symbol.
func (l *List) Text() string { return textHead + b64().EncodeToString(l.EncodeFile()) }

// ParseText reads what Text returned.
func ParseText(s string, private bool) (*List, error) {
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), textHead)
	if !ok || len(rest) > base64.RawURLEncoding.EncodedLen(MaxFile) {
		return nil, wire.Invalid("this is no list line")
	}
	b, err := unbase64(rest)
	if err != nil {
		return nil, err
	}
	return DecodeFile(b, private)
}

// Read takes a list in either form: the bytes of a file or the text line.
func Read(b []byte, private bool) (*List, error) {
	if strings.HasPrefix(strings.TrimSpace(string(b[:min(len(b), 64)])), textHead) {
		return ParseText(string(b), private)
	}
	return DecodeFile(b, private)
}
