package publish

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/miekg/dns"

	"github.com/pars-network/pars/pkg/wire"
)

// Key signs updates (RFC 8945).
type Key struct {
	Name      string // with its dot
	Algorithm string // hmac-sha256. or hmac-sha512.
	secret    string // base64
}

// String is the key without its secret.
func (k Key) String() string { return k.Algorithm + k.Name }

const maxKeyFile = 4096

// ParseKey reads a key file: ALGORITHM:NAME:SECRET, or a key statement as tsig-keygen and Knot's keymgr write them. Errors
// wrap wire.ErrInvalid and say nothing of the secret.
func ParseKey(b []byte) (Key, error) {
	if len(b) > maxKeyFile {
		return Key{}, wire.Invalid("TSIG key of %d bytes", len(b))
	}
	s := strings.TrimSpace(string(b))
	var k Key
	if m := keyStatement().FindStringSubmatch(s); m != nil {
		k = Key{m[1], m[2], m[3]}
	} else if parts := strings.Split(s, ":"); len(parts) == 3 {
		k = Key{parts[1], parts[0], parts[2]}
	} else {
		return Key{}, wire.Invalid("TSIG key is neither ALGORITHM:NAME:SECRET nor a key statement")
	}
	k.Name, k.Algorithm = dns.CanonicalName(k.Name), dns.CanonicalName(k.Algorithm)
	secret, err := base64.StdEncoding.DecodeString(k.secret)
	_, ok := dns.IsDomainName(k.Name)
	switch {
	case err != nil || len(secret) < 16:
		return Key{}, wire.Invalid("TSIG secret is not base64 of 16 bytes or more")
	case !ok:
		return Key{}, wire.Invalid("TSIG key has no name")
	case k.Algorithm != dns.HmacSHA256 && k.Algorithm != dns.HmacSHA384 && k.Algorithm != dns.HmacSHA512:
		return Key{}, wire.Invalid("TSIG algorithm %q is none of hmac-sha256, hmac-sha384, hmac-sha512", k.Algorithm)
	}
	return k, nil
}

func keyStatement() *regexp.Regexp {
	return regexp.MustCompile(`(?s)key\s+"?([^"\s{]+)"?\s*\{\s*algorithm\s+"?([^";\s]+)"?\s*;\s*secret\s+"?([^";\s]+)"?\s*;\s*\}\s*;?`)
}
