package dht

import (
	_ "github.com/pars-network/pars/pkg/gossip"
	_ "github.com/pars-network/pars/pkg/keystore"
)
