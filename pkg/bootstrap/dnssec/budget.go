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
	maxAnswers    = 256 << 10 // bytes of all messages together
	maxSets       = 256       // sets of records in a message
	checkUnit     = 64        // records of a set that cost as much as one signature
	maxTTL        = 24 * 3600 // seconds
	maxRSA        = 4096      // bits
	maxZones      = 256       // kept in the cache

	// Timeout ends a look-up.
	Timeout = 10 * time.Second
)

// budget counts what a look-up has spent.
type budget struct {
	checks, hashes, queries, bytes int
}

// check counts a signature over so many records; they are sorted and hashed each time, so a large set counts for several.
func (b *budget) check(records int) error {
	if b.checks += 1 + records/checkUnit; b.checks > maxChecks {
		return unknown("budget: more than %d signatures to verify", maxChecks)
	}
	return nil
}

// read counts an answer.
func (b *budget) read(size int) error {
	if b.bytes += size; b.bytes > maxAnswers {
		return unknown("budget: more than %d bytes of answers", maxAnswers)
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
