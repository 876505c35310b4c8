package light

// Preset holds the constants that differ between mainnet and the minimal test chain.
type Preset struct {
	SlotsPerEpoch   uint64
	EpochsPerPeriod uint64
	CommitteeSize   int // a power of two, at least 8
}

// Mainnet is the preset of mainnet and its test networks.
func Mainnet() Preset { return Preset{32, 256, 512} }

// Minimal is the preset of small test chains.
func Minimal() Preset { return Preset{8, 8, 32} }

// PresetNamed knows "mainnet" and "minimal".
func PresetNamed(name string) (Preset, bool) {
	switch name {
	case "mainnet":
		return Mainnet(), true
	case "minimal":
		return Minimal(), true
	}
	return Preset{}, false
}

// Fork is an upgrade of the beacon chain that this package knows, in order.
type Fork uint8

// The forks. NoFork stands for everything else.
const (
	NoFork Fork = iota
	Phase0
	Altair
	Bellatrix
	Capella
	Deneb
	Electra
	Fulu
)

func forkNames() []string {
	return []string{"", "phase0", "altair", "bellatrix", "capella", "deneb", "electra", "fulu"}
}

// ForkNamed returns the fork of a lower-case name, NoFork for one that is not known.
func ForkNamed(name string) Fork {
	for i, n := range forkNames() {
		if n == name {
			return Fork(i)
		}
	}
	return NoFork
}

func (f Fork) String() string {
	if names := forkNames(); f != NoFork && int(f) < len(names) {
		return names[f]
	}
	return "unknown"
}

// ForkRow says from which epoch on a fork holds. A row with NoFork ends what can be checked.
type ForkRow struct {
	Fork    Fork
	Epoch   uint64
	Version [4]byte
}

// Spec is one beacon chain.
type Spec struct {
	Preset
	SecondsPerSlot uint64
	GenesisTime    uint64    // Unix seconds
	GenesisRoot    Root      // genesis_validators_root
	Forks          []ForkRow // ascending by epoch, then by fork
}

// Epoch returns the epoch of a slot.
func (s *Spec) Epoch(slot uint64) uint64 { return slot / s.SlotsPerEpoch }

// Period returns the sync-committee period of a slot.
func (s *Spec) Period(slot uint64) uint64 { return s.Epoch(slot) / s.EpochsPerPeriod }

// SlotAt returns the slot of a moment in Unix milliseconds, 0 before genesis.
func (s *Spec) SlotAt(ms int64) uint64 {
	since := ms - int64(s.GenesisTime)*1000
	if since < 0 {
		return 0
	}
	return uint64(since) / 1000 / s.SecondsPerSlot
}

// TimeOf returns the Unix second in which a slot begins.
func (s *Spec) TimeOf(slot uint64) int64 { return int64(s.GenesisTime + slot*s.SecondsPerSlot) }

// row returns the last row that has begun in an epoch.
func (s *Spec) row(epoch uint64) ForkRow {
	var at ForkRow
	for _, r := range s.Forks {
		if r.Epoch <= epoch {
			at = r
		}
	}
	return at
}

// ForkAt returns the fork of a slot; NoFork where it cannot be checked here.
func (s *Spec) ForkAt(slot uint64) Fork { return s.row(s.Epoch(slot)).Fork }

// shape is what a fork's containers look like.
type shape struct {
	exec      bool // headers carry an execution header
	blobs     bool // which has blob gas
	finalized int  // generalised indices in the state
	current   int
	next      int
}

func (f Fork) shape() shape {
	switch {
	case f >= Electra:
		return shape{true, true, 169, 86, 87}
	case f == Deneb:
		return shape{true, true, 105, 54, 55}
	case f == Capella:
		return shape{true, false, 105, 54, 55}
	}
	return shape{false, false, 105, 54, 55}
}

// payloadIndex is the execution payload in a block body.
const payloadIndex = 25

// depth of a generalised index: the number of hashes in its branch.
func depth(gindex int) int {
	d := 0
	for ; gindex > 1; gindex >>= 1 {
		d++
	}
	return d
}
