package bundle

import (
	"crypto/sha256"
	"fmt"

	"github.com/pars-network/pars/pkg/sig"
	"github.com/pars-network/pars/pkg/wire"
)

// Spoken returns a hash as 60 digits in groups of five, to be compared by voice: 199 bits of it.
func Spoken(sum [32]byte) string {
	h := sha256.Sum256(append([]byte(wire.LabelRelease), sum[:]...))
	out := make([]byte, 0, 71)
	for i := range 12 {
		v := uint64(0)
		for j := range 8 {
			v = v<<8 | uint64(h[(5*i+j)%32])
		}
		if i > 0 {
			out = append(out, ' ')
		}
		out = fmt.Appendf(out, "%05d", v%100000)
	}
	return string(out)
}

// Release lists files by name and hash, as a program's maker or whoever packed them signs it. A receiver can check
// every file it names before it is offered to anybody.
type Release struct {
	Name, Version string
	Seq           uint64 // of two releases of a name the larger counts
	Files         []ReleaseFile
	Signatures    []ReleaseSig
}

// ReleaseFile is one file of a release.
type ReleaseFile struct {
	Name string // "linux-amd64/pars", a path without dots or empty parts
	Size uint64
	Sum  [32]byte // names it, see FileHash
	Exec bool     // may be run
	Hash [32]byte // SHA-256 of the whole, to be compared with what others tell of it; zero: not told
}

// ReleaseSig is one signature over "pars/release/v1" ‖ all but the signatures.
type ReleaseSig struct {
	Key sig.Public
	Sig sig.Signature
}

// Limits of a release.
const (
	maxName         = 255
	maxReleaseFiles = 1024
	maxReleaseSigs  = 64
)

func (r *Release) body(pairs int) []byte {
	b := wire.AppendUint(append(wire.AppendMap(nil, pairs), 0), 1)
	b = wire.AppendText(append(b, 1), r.Name)
	b = wire.AppendText(append(b, 2), r.Version)
	b = wire.AppendUint(append(b, 3), r.Seq)
	b = wire.AppendArray(append(b, 4), len(r.Files))
	for _, f := range r.Files {
		b = wire.AppendUint(wire.AppendText(wire.AppendArray(b, 5), f.Name), f.Size)
		exec := uint64(0)
		if f.Exec {
			exec = 1
		}
		b = wire.AppendBytes(wire.AppendUint(wire.AppendBytes(b, f.Sum[:]), exec), f.Hash[:])
	}
	return b
}

// SignWith adds a signature.
func (r *Release) SignWith(key sig.Private) {
	r.Signatures = append(r.Signatures, ReleaseSig{key.Public(), key.Sign(wire.LabelRelease, r.body(5))})
}

// Signers returns the keys whose signatures hold.
func (r *Release) Signers() (out []sig.Public) {
	for _, s := range r.Signatures {
		if sig.Verify(s.Key, wire.LabelRelease, r.body(5), s.Sig) {
			out = append(out, s.Key)
		}
	}
	return out
}

// Record returns the record of a release.
func (r *Release) Record() Record {
	b := wire.AppendArray(append(r.body(6), 5), len(r.Signatures))
	for _, s := range r.Signatures {
		b = wire.AppendBytes(wire.AppendBytes(wire.AppendArray(b, 2), s.Key[:]), s.Sig[:])
	}
	return Record{Kind: KindRelease, Payload: b}
}

// DecodeRelease reads the payload of a release record.
func DecodeRelease(b []byte) (*Release, error) {
	var r Release
	d := wire.NewDecoder(b)
	next := uint64(0)
	for m := d.Map(6); m.Next(); next++ {
		if m.Key != next {
			m.Unknown()
			break
		}
		r.field(d, m.Key)
	}
	if err := d.End(); err != nil {
		return nil, refuse(BadCanonical, "release: %v", err)
	}
	if next != 6 {
		return nil, refuse(BadCanonical, "release of %d fields", next)
	}
	if !safeName(r.Name) {
		return nil, refuse(BadCanonical, "release name %q", r.Name)
	}
	for _, f := range r.Files {
		if !safeName(f.Name) {
			return nil, refuse(BadCanonical, "file name %q", f.Name)
		}
	}
	return &r, nil
}

func (r *Release) field(d *wire.Decoder, key uint64) {
	switch key {
	case 0:
		if v := d.Uint(1 << 16); v != 1 {
			d.Fail(wire.Invalid("release version %d", v))
		}
	case 1:
		r.Name = d.Text(maxName)
	case 2:
		r.Version = d.Text(maxName)
	case 3:
		r.Seq = d.Uint(1 << 62)
	case 4:
		for n := d.Array(maxReleaseFiles); n > 0 && d.Err() == nil; n-- {
			var f ReleaseFile
			if d.Array(5) != 5 {
				d.Fail(wire.Invalid("file of a release"))
			}
			f.Name, f.Size = d.Text(maxName), d.Uint(maxFile)
			d.Fixed(f.Sum[:])
			f.Exec = d.Uint(1) == 1
			d.Fixed(f.Hash[:])
			r.Files = append(r.Files, f)
		}
	case 5:
		for n := d.Array(maxReleaseSigs); n > 0 && d.Err() == nil; n-- {
			var s ReleaseSig
			if d.Array(2) != 2 {
				d.Fail(wire.Invalid("signature of a release"))
			}
			d.Fixed(s.Key[:])
			d.Fixed(s.Sig[:])
			r.Signatures = append(r.Signatures, s)
		}
	}
}

// safeName reports whether a name stays below the folder it is written to, on every system.
func safeName(name string) bool {
	if name == "" || len(name) > maxName {
		return false
	}
	part := 0
	for i, c := range name {
		ok := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && part > 0 && i+1 < len(name) && name[i+1] != '/'
		switch {
		case c == '/' && part > 0 && i+1 < len(name):
			part = 0
		case ok:
			part++
		default:
			return false
		}
	}
	return true
}
