package dnssec

import "time"

// Limits of one look-up, whatever the zone and the server send.
const (
	maxChecks     = 64  // signatures verified
	maxHashes     = 256 // NSEC3 hashes of names
	maxQueries    = 64
	maxHops       = 8 // aliases followed
	maxSignatures = 8 // RRSIG considered for a set of records
	maxKeys       = 16
	maxSameTag    = 4         // keys tried for one signature
	maxIterations = 50        // of NSEC3, more is insecure (RFC 9276)
	maxMessage    = 64 << 10  // bytes
	maxTTL        = 24 * 3600 // seconds
	maxRSA        = 4096      // bits
	maxZones      = 256       // kept in the cache

	// Timeout ends a look-up.
	Timeout = 10 * time.Second
)

// budget counts what a look-up has spent.
type budget struct {
	checks, hashes, queries int
}

func (b *budget) check() error {
	if b.checks++; b.checks > maxChecks {
		return unknown("budget: more than %d signatures to verify", maxChecks)
	}
	return nil
}

func (b *budget) hash() error {
	if b.hashes++; b.hashes > maxHashes {
		return unknown("budget: more than %d NSEC3 hashes", maxHashes)
	}
	return nil
}

func (b *budget) query() error {
	if b.queries++; b.queries > maxQueries {
		return unknown("budget: more than %d queries", maxQueries)
	}
	return nil
}
