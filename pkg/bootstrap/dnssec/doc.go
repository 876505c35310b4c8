// Package dnssec resolves names through any server and tells by its own checks, from the root keys down, whether to believe the answer.
//
// The server is trusted with nothing: a Resolver asks it for the records, the signatures and the keys, and validates them as
// RFC 4033 to 4035, 5155, 6840 and 9276 say. What the server could gain by lying about work is bounded for each look-up:
// see Budget. A chain of records that was validated once can be written out and verified again without a network.
//
// It is built on the records and signatures of miekg/dns v1. Where that library is known to pass too much, a test here
// holds the trap closed: signer by string suffix, NSEC3 cover on a match, times, flags, NSEC order, iterations, TTL.
package dnssec
