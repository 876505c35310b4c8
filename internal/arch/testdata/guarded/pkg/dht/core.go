package dht

import (
	_ "github.com/libp2p/go-libp2p/core/peer"
)
