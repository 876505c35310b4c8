package evm

import urfave "github.com/urfave/cli/v2"

// nodeVerb is the same in every build; what it does is linked with the tag parsfull alone.
func nodeVerb(action urfave.ActionFunc) *urfave.Command {
	return &urfave.Command{
		Name: "node", Usage: "run a full execution node in this process, until stopped",
		Description: "Blocks come from the execution nodes of --peer and are executed here; the head is the one that sync committees signed, as of sync, so that no beacon node is needed. " +
			"Nobody else is searched for, and nothing listens but on --listen and --http. Prints a line when it is ready, and one for each verified head that was executed. " +
			"The chain is kept in evm/CHAIN of the home, and a restart goes on from there. Ethereum takes above 1 TB of disk and hours to days. " +
			"Only in builds with the tag parsfull: those of make build for 64-bit desktops, and pars-evm-full of a release.",
		Flags: chainFlags(
			&urfave.StringSliceFlag{Name: "peer", Usage: "fetch blocks from the execution node `ENODE` (repeat for more)"},
			&urfave.StringFlag{Name: "listen", Value: "127.0.0.1:30303", Usage: "let other execution nodes in at `ADDR`; none for nowhere"},
			&urfave.StringFlag{Name: "http", Usage: "answer JSON-RPC at `ADDR` of this machine, such as 127.0.0.1:8545"},
			&urfave.StringFlag{Name: "genesis", Usage: "begin with the genesis `FILE` of geth; Ethereum's and Sepolia's are built in"},
			&urfave.StringFlag{Name: "datadir", Usage: "keep the chain in `DIR`", DefaultText: "evm/CHAIN of the home"},
			&urfave.BoolFlag{Name: "execute-all", Usage: "execute every block from genesis on, in place of fetching a recent state; so it is where --genesis is given"},
			&urfave.IntFlag{Name: "cache", Value: 1024, Usage: "take at most about `MIB` of memory for databases"},
			&urfave.BoolFlag{Name: "yes", Usage: "do not ask"}),
		Action: action,
	}
}
