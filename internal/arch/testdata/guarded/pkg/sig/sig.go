package sig

import (
	_ "github.com/hdevalence/ed25519consensus"
	_ "github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)
