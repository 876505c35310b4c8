// Package bundle packs runs, envelopes and other records into one file that a courier carries.
//
// A file has three layers. The body is a row of signed chunks of records. Sealed sectors hold it: each
// is encrypted, then authenticated under a key of its own, which a courier may have without being able
// to read. Parity sectors over windows of the file mend what a stick loses. A hidden file is uniform
// random bytes from its first to its last.
//
// A bundle may be cut, damaged, copied, mixed with others and read by the wrong person. Opening it
// hands out every chunk that is whole and genuine and says what is missing. Nothing in it is trusted:
// each record goes to the package that owns its kind. Same input, same bytes.
// A Reader or Writer is not safe for concurrent use.
package bundle
