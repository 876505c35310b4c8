#!/bin/sh
# up.sh DIR WORK: a chain of one node on loopback, real geth under real Lodestar, which knows Capella. WORK/env tells its
# ports, WORK/profile.json is written once the beacon node answers. down.sh WORK ends it.
# FULL=1: with a deposit contract at 0x4242…42 whose deposits count, and a geth that lets execution nodes in.
#   PRESET=minimal|mainnet (committees of 32 or 512)   SLOT=2 seconds   BASE=19600 first of five ports
set -eu
[ $# -eq 2 ] || { echo "usage: up.sh DIR WORK" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
dir=$(cd "$1" && pwd)
mkdir -p "$2"
work=$(cd "$2" && pwd)
preset=${PRESET:-minimal} slot=${SLOT:-2} base=${BASE:-19600}
http=$base auth=$((base + 1)) rest=$((base + 2)) p2p=$((base + 3))
if [ "$preset" = minimal ]; then
	validators=16
	set -- --paramsFile "$here/minimal.yaml"
else
	validators=64
	set -- --params.ALTAIR_FORK_EPOCH 0 --params.BELLATRIX_FORK_EPOCH 0 --params.CAPELLA_FORK_EPOCH 0 --params.TERMINAL_TOTAL_DIFFICULTY 0
fi
genesis_file=$here/genesis.json peers=0 listen=0 eth1=false deposit=
if [ "${FULL:-0}" = 1 ]; then
	genesis_file=$dir/deposit/genesis.json peers=4 listen=$((base + 4)) eth1=true
	set -- "$@" --eth1.providerUrls "http://127.0.0.1:$http"
fi
od -An -tx1 -N32 /dev/urandom | tr -d ' \n' > "$work/jwt"

"$dir/bin/geth" --datadir "$work/geth" --state.scheme hash init "$genesis_file" > "$work/init.log" 2>&1
"$dir/bin/geth" --datadir "$work/geth" --networkid 32382 --nodiscover --maxpeers "$peers" --nat none --port "$listen" --netrestrict 127.0.0.0/8 --ipcdisable \
	--syncmode full --gcmode archive --state.scheme hash --http --http.addr 127.0.0.1 --http.port "$http" --http.api eth,net,web3,txpool,debug,admin \
	--authrpc.addr 127.0.0.1 --authrpc.port "$auth" --authrpc.jwtsecret "$work/jwt" > "$work/geth.log" 2>&1 &
echo $! > "$work/geth.pid"
genesis=
for _ in $(seq 120); do
	genesis=$(curl -s -H 'content-type: application/json' "http://127.0.0.1:$http" \
		-d '{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":["0x0",false]}' | grep -o '"hash":"0x[0-9a-f]*"' | cut -d'"' -f4 || true)
	[ -z "$genesis" ] || break
	sleep 0.5 # geth has no way to tell that it is ready
done
[ -n "$genesis" ] || { sh "$here/down.sh" "$work"; echo "up.sh: no answer from geth, see $work/geth.log" >&2; exit 1; }

cd "$work" # Lodestar writes its genesis into the folder it stands in
LODESTAR_PRESET=$preset node --require "$here/newer.cjs" "$dir/lodestar/node_modules/@chainsafe/lodestar/lib/index.js" dev \
	--dataDir "$work/lodestar" --genesisValidators "$validators" --startValidators "0..$((validators - 1))" --genesisEth1Hash "$genesis" \
	"$@" --params.SECONDS_PER_SLOT "$slot" --execution.urls "http://127.0.0.1:$auth" --jwt-secret "$work/jwt" --eth1 "$eth1" \
	--rest.address 127.0.0.1 --rest.port "$rest" --rest.namespace '*' --server "http://127.0.0.1:$rest" --listenAddress 127.0.0.1 --port "$p2p" \
	--discv5 false --mdns false --suggestedFeeRecipient 0x71562b71999873DB5b286dF957af199Ec94617F7 > "$work/lodestar.log" 2>&1 &
echo $! > "$work/lodestar.pid"

beacon=http://127.0.0.1:$rest
field() { grep -o "\"$1\":\"[^\"]*\"" | head -1 | cut -d'"' -f4; }
for i in $(seq 240); do
	curl -sf "$beacon/eth/v1/beacon/genesis" > "$work/genesis.json" && break
	[ "$i" -lt 240 ] || { sh "$here/down.sh" "$work"; echo "up.sh: no answer from Lodestar, see $work/lodestar.log" >&2; exit 1; }
	sleep 0.5
done
curl -sf "$beacon/eth/v1/config/spec" > "$work/spec.json"
fork() { printf '{"name":"%s","epoch":0,"version":"%s"}' "$1" "$(field "$2_FORK_VERSION" < "$work/spec.json")"; }
[ "$eth1" = false ] || deposit="\"deposit\": {\"contract\": \"0x4242424242424242424242424242424242424242\", \"fork_version\": \"$(field GENESIS_FORK_VERSION < "$work/spec.json")\"}, "
cat > "$work/profile.json" <<END
{"name": "lab", "chain_id": 32382, "chain": {"finality": "sync-committee", "preset": "$preset", "seconds_per_slot": $slot,
 "genesis_time": $(field genesis_time < "$work/genesis.json"), "genesis_validators_root": "$(field genesis_validators_root < "$work/genesis.json")",
 "forks": [$(fork phase0 GENESIS), $(fork altair ALTAIR), $(fork bellatrix BELLATRIX), $(fork capella CAPELLA)],
 "execution": [{"name": "shanghai", "time": 0}], $deposit"ws_period": 86400, "beacon": ["$beacon"], "rpc": ["http://127.0.0.1:$http"]}}
END
