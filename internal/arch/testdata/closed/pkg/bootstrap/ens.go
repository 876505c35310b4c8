package bootstrap

import (
	_ "github.com/ethereum/go-ethereum/common"
)
