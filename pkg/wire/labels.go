package wire

// Names of hashes, keys and signatures: "pars/<thing>/v1", ASCII, no terminator, none the beginning of
// another. A name used twice would let a value made for one purpose pass for another.
const (
	LabelVertex    = "pars/vertex/v1"
	LabelVertexSig = "pars/vertex-sig/v1"
	LabelHeads     = "pars/heads/v1"
	LabelSession   = "pars/session/v1"
	LabelNetid     = "pars/netid/v1"

	LabelAccount        = "pars/account/v1"
	LabelAccountEd25519 = "pars/account/ed25519/v1"
	LabelAccountMLDSA65 = "pars/account/mldsa65/v1"
	LabelDevice         = "pars/device/v1"
	LabelCert           = "pars/cert/v1"
	LabelCard           = "pars/card/v1"
	LabelPrekey         = "pars/prekey/v1"
	LabelPrekeyOnce     = "pars/prekey/once/v1"
	LabelInvite         = "pars/invite/v1"
	LabelJoin           = "pars/join/v1"

	LabelSlot       = "pars/slot/v1"
	LabelState      = "pars/state/v1"
	LabelStoreKey   = "pars/store/key/v1"
	LabelStoreIndex = "pars/store/index/v1"

	LabelSKid    = "pars/s/kid/v1"
	LabelSEpoch  = "pars/s/epoch/v1"
	LabelSTag    = "pars/s/tag/v1"
	LabelSRdv    = "pars/s/rdv/v1"
	LabelSSync   = "pars/s/sync/v1"
	LabelSBundle = "pars/s/bundle/v1"
	LabelSJoin   = "pars/s/join/v1"

	LabelSDay      = "pars/s/day/v1"
	LabelSNext     = "pars/s/next/v1"
	LabelTag       = "pars/tag/v1"
	LabelEnvKey    = "pars/env/key/v1"
	LabelEnvDelete = "pars/env/del/v1"
	LabelGossipID  = "pars/gossip/id/v1"
	LabelStamp     = "pars/stamp/v1"

	LabelEpochOffset = "pars/epoch-offset/v1"

	LabelBlind    = "pars/dht/blind/v1"
	LabelRecKey   = "pars/dht/key/v1"
	LabelRecSig   = "pars/dht/rec/v1"
	LabelPresence = "pars/presence/v1"
	LabelRoleKey  = "pars/dht/role/v1"
	LabelRoleCard = "pars/role/v1"

	LabelList         = "pars/list/v1"
	LabelListRotation = "pars/list-rotation/v1"
	LabelRoadMemory   = "pars/road-memory/v1"

	LabelEpochMsg = "pars/epoch/msg/v1"
	LabelBody     = "pars/body/v1"
	LabelSalt     = "pars/salt/v1"

	LabelSyncL0     = "pars/sync/l0/v1"
	LabelSyncID     = "pars/sync/id/v1"
	LabelSyncAuthor = "pars/sync/author/v1"
	LabelSyncRekey  = "pars/sync/rekey/v1"
	LabelSyncTag    = "pars/sync/tag/v1"
	LabelSyncProof  = "pars/sync/proof/v1"
)
