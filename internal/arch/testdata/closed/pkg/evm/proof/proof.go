package proof

import (
	_ "github.com/ethereum/go-ethereum/trie"
)
