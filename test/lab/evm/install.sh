#!/bin/sh
# install.sh DIR: real peers for the chain's tests: geth and blsync 1.17.8, Lodestar 1.5.1, Lodestar's state
# transition 1.36.0, ethers and viem, solc. Exact versions; may be run again. Needs go, node 18 or newer with its headers, npm, python3, make, g++, curl.
set -eu
[ $# -eq 1 ] || { echo "usage: install.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1/bin" "$1/lodestar" "$1/client" "$1/newer" "$1/deposit"
dir=$(cd "$1" && pwd)
for c in go node npm python3 make g++ curl; do
	command -v "$c" >/dev/null || { echo "evm/install.sh: no $c" >&2; exit 1; }
done
[ -n "${npm_config_nodedir:-}" ] || [ ! -f /usr/include/node/node.h ] || export npm_config_nodedir=/usr # headers of the node that is installed
stamp=$(cat "$here/package-lock.json" "$here"/client/*.* "$here"/newer/*.* "$here"/deposit/* "$here/genesis.json" "$here/install.sh" | sha256sum)$(node --version)
[ "$(cat "$dir/stamp" 2>/dev/null)" != "$stamp" ] || exit 0

CGO_ENABLED=0 GOBIN="$dir/bin" go install github.com/ethereum/go-ethereum/cmd/geth@v1.17.8 github.com/ethereum/go-ethereum/cmd/blsync@v1.17.8

cp "$here/package.json" "$here/package-lock.json" "$dir/lodestar/"
(
	cd "$dir/lodestar"
	npm ci --no-audit --no-fund --ignore-scripts
	npm rebuild snappy bcrypto c-kzg gc-stats --foreground-scripts
	node --require "$here/newer.cjs" node_modules/@chainsafe/lodestar/lib/index.js --version
)
cp "$here"/client/*.* "$dir/client/"
(cd "$dir/client" && npm install --no-audit --no-fund --ignore-scripts)
cp -r "$here/newer/." "$dir/newer/"
(cd "$dir/newer" && npm ci --no-audit --no-fund --ignore-scripts)
cp "$here"/deposit/* "$dir/deposit/"
(cd "$dir/deposit" && npm install --no-audit --no-fund --ignore-scripts && node compile.cjs genesis.json "$here/genesis.json")
echo "$stamp" > "$dir/stamp"
echo "evm: installed in $dir"
