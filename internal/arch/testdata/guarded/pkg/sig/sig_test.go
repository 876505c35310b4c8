package sig

import (
	_ "github.com/hdevalence/ed25519consensus"
)
