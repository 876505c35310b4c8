package node

import (
	_ "github.com/ethereum/go-ethereum"
)
