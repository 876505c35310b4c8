package profile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/pars-network/pars/pkg/wire"
)

// MaxSize is the largest profile file in bytes.
const MaxSize = 64 << 10

// Parse reads a profile file: one JSON object with the fields of Profile and no other. Errors wrap
// wire.ErrInvalid.
func Parse(b []byte) (*Profile, error) {
	if len(b) > MaxSize {
		return nil, wire.Invalid("profile of %d bytes, at most %d", len(b), MaxSize)
	}
	if err := checkKeys(b); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	var p Profile
	if err := d.Decode(&p); err != nil {
		return nil, wire.Invalid("%v", err)
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return &p, nil
}

func (p *Profile) check() error {
	switch n := p.Network; {
	case !plainName(p.Name):
		return wire.Invalid("name is missing or not of a–z, 0–9 and hyphen")
	case p.ChainID == 0:
		return wire.Invalid("chain_id is missing or 0")
	case p.ShardBits > 8 || p.StampBits > 32:
		return wire.Invalid("shard_bits above 8 or stamp_bits above 32")
	case n != nil && !plainName(n.Name):
		return wire.Invalid("network name is missing or not of a–z, 0–9 and hyphen")
	case n != nil && n.GenesisTime == 0:
		return wire.Invalid("genesis_time is missing or 0")
	case n == nil && p.Bootstrap != nil:
		return wire.Invalid("bootstrap without a network to join")
	}
	if p.Chain == nil {
		return nil
	}
	return p.Chain.check()
}

func plainName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return s != "" && len(s) <= 32
}

// checkKeys refuses what encoding/json would let pass: a field named twice, where the last one wins in
// silence, a field in other letters (it matches "Chain_ID" too), and anything after the object.
func checkKeys(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return wire.Invalid("profile is not a JSON object")
	}
	if err := checkObject(d, 6); err != nil {
		return err
	}
	if _, err := d.Token(); err != io.EOF {
		return wire.Invalid("something follows the profile's object")
	}
	return nil
}

// checkObject reads the rest of an object whose opening brace has been read.
func checkObject(d *json.Decoder, depth int) error {
	seen := map[string]bool{}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return wire.Invalid("%v", err)
		}
		name := fmt.Sprint(key)
		if seen[name] || !fieldName(name) {
			return wire.Invalid("field %q stands twice or is misspelt", name)
		}
		seen[name] = true
		if err := checkValue(d, depth); err != nil {
			return fmt.Errorf("field %q: %w", name, err)
		}
	}
	if _, err := d.Token(); err != nil {
		return wire.Invalid("%v", err)
	}
	return nil
}

// checkValue reads one value: a scalar, an object or a list of them.
func checkValue(d *json.Decoder, depth int) error {
	v, err := d.Token()
	switch {
	case err != nil:
		return wire.Invalid("%v", err)
	case depth == 0:
		return wire.Invalid("nested too deep")
	case v == json.Delim('{'):
		return checkObject(d, depth-1)
	case v != json.Delim('['):
		return nil
	}
	for d.More() {
		if err := checkValue(d, depth-1); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return wire.Invalid("%v", err)
	}
	return nil
}

func fieldName(s string) bool {
	for _, c := range []byte(s) {
		if (c < 'a' || c > 'z') && c != '_' {
			return false
		}
	}
	return s != ""
}
