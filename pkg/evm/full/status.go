//go:build parsfull

package full

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/ethereum/go-ethereum/core/rawdb"
)

// Status is how far a node is.
type Status struct {
	Peers int
	// Head is the number of the newest verified head, 0 before there is one.
	Head uint64
	// Headers are still missing between the chain here and the head.
	Headers uint64
	// Bodies is the newest block whose body is here; Block the newest that was executed, or whose state is here.
	Bodies, Block uint64
	// Accounts and StateBytes of the state were fetched, where it is fetched at all.
	Accounts, StateBytes uint64
	// Synced: the verified head was executed here.
	Synced bool
}

// String is one line for a person.
func (s Status) String() string {
	switch {
	case s.Synced:
		return fmt.Sprintf("block %d, %d peers", s.Block, s.Peers)
	case s.Head == 0:
		return "waits for a verified head"
	case s.Peers == 0:
		return fmt.Sprintf("block %d of %d, no peer yet", s.Block, s.Head)
	case s.Headers > 0:
		return fmt.Sprintf("%d headers of %d to go, %d peers", s.Headers, s.Head, s.Peers)
	case s.Accounts > 0 && s.Block == 0:
		return fmt.Sprintf("bodies %d of %d, state %d accounts, %d MB, %d peers", s.Bodies, s.Head, s.Accounts, s.StateBytes/1e6, s.Peers)
	}
	return fmt.Sprintf("block %d of %d, %d peers", s.Block, s.Head, s.Peers)
}

// Status tells how far the node is now. Call it after Start.
func (n *Node) Status() Status {
	chain := n.eth.BlockChain()
	s := Status{Peers: n.stack.Server().PeerCount(), Block: chain.CurrentBlock().Number.Uint64(), Bodies: chain.CurrentSnapBlock().Number.Uint64()}
	h, _ := n.Client.Head()
	if s.Head = h.Number; h.Number > 0 {
		have := n.drive.have.Load()
		s.Synced = have != nil && have.Hash == h.Hash
	}
	if !s.Synced {
		s.Headers = n.headers(s.Bodies)
		p := n.eth.APIBackend.SyncProgress(context.Background())
		s.Accounts = p.SyncedAccounts
		s.StateBytes = p.SyncedAccountBytes + p.SyncedStorageBytes + p.SyncedBytecodeBytes
	}
	return s
}

// headers counts those that are missing: go-ethereum fetches them from the head down, and notes on disk where it is.
func (n *Node) headers(have uint64) uint64 {
	var p struct {
		Subchains []struct{ Head, Tail uint64 }
	}
	b := rawdb.ReadSkeletonSyncStatus(n.eth.ChainDb())
	if json.Unmarshal(b, &p) != nil || len(p.Subchains) == 0 || p.Subchains[0].Tail <= have+1 {
		return 0
	}
	return p.Subchains[0].Tail - have - 1
}
