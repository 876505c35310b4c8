// Package wallet derives, keeps and uses the keys that sign transactions.
//
// Keys come from the phrase by BIP-32 and BIP-44, m/44'/60'/0'/0/i, so that any wallet recovers the money; i is the
// number of the device, so that two devices never share a nonce. Nothing here asks anybody or reads a clock. What is
// signed names the chain it is for; what does not is refused.
package wallet
