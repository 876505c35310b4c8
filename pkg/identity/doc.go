// Package identity says who a person is and which devices are theirs.
//
// A phrase of 24 words gives the account key, the account key certifies devices, and the account id
// commits to the account key. Nothing else is derived from the phrase: one found later opens nothing
// that was said. All is pure: no key is stored here, and no time is read.
package identity
