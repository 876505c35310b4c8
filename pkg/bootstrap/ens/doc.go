// Package ens reads names of the Ethereum Name Service: the registry of EIP-137, text records, content hashes and addresses, wildcards of
// ENSIP-10 and answers from off the chain as EIP-3668 has them.
//
// It holds no chain. A Resolver calls contracts through a Caller and is worth what that is worth: a Caller that runs contracts on
// proven state makes an answer a proven one, RPC makes it a stranger's word. Names are taken only where nothing can be
// doubted about how they are written; see Normalize.
package ens
