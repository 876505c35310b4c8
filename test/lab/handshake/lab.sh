#!/bin/bash
# lab.sh: a Handshake chain on regtest, two names bought by auction, and a server for the signed zones below them; as root, in a
# network namespace of its own. Nothing leaves it.
#   lab.sh up HSD DIR        start; HSD is what install.sh made, DIR is new or empty
#   lab.sh exec DIR CMD…     run CMD inside
#   lab.sh mine DIR N        mine N blocks
#   lab.sh rpc DIR ARG…      ask the full node;    lab.sh wallet DIR ARG…    ask its wallet
#   lab.sh down DIR          end what was started, by pid, and remove the namespace
#
#   127.0.0.1    hsd    peers 14038, RPC 14037, wallet 14039, its own DNS root 25349
#   127.0.53.4   knotd  parsgood. and parsbad., alg 15, NSEC3
#
# The chain holds GLUE4, DS and TXT of parsgood; of parsbad the same with a DS that is no key's. DIR/ds is the DS of parsgood.
set -eu
self=$(readlink -f "$0")
fail() { echo "lab.sh: $*" >&2; exit 1; }
usage() { sed -n '4,8s/^#   //p' "$self" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1
shift
if [ "$verb" = up ]; then
	[ $# = 2 ] || usage
	HSD=$(readlink -f "$1")
	shift
	[ -e "$HSD/stamp" ] || fail "no hsd in $HSD; run install.sh"
	mkdir -p "$1"
	[ -z "$(ls -A "$1")" ] || fail "$1 is not empty"
	echo "$HSD" >"$1/hsd"
fi
LAB=$(readlink -f "$1")
export LAB NODE_BACKEND=native
shift
HSD=$(cat "$LAB/hsd")
names="parsgood parsbad"

rpc() { node "$HSD/node_modules/.bin/hsd-rpc" --network=regtest "$@"; }
wallet() { node "$HSD/node_modules/.bin/hsw-rpc" --network=regtest "$@"; }
# An error of the RPC exits 0, so its output decides.
mine() { # ten at a time: the client waits five seconds
	local left=$1 now got
	while [ "$left" -gt 0 ]; do
		now=$((left < 10 ? left : 10))
		got=$(rpc generatetoaddress "$now" "$(cat "$LAB/address")" | jq length)
		[ "$got" = "$now" ] || fail "mined $got blocks of $now"
		left=$((left - now))
	done
}
pay() { wallet "$@" | jq -e .hash >/dev/null || fail "$* was refused"; }
is() { # is STATE: every name has come so far
	local n state
	for n in $names; do
		state=$(rpc getnameinfo "$n" | jq -r .info.state)
		[ "$state" = "$1" ] || fail "$n is $state, not $1"
	done
}

node_up() {
	mkdir -p "$LAB/data"
	node "$HSD/node_modules/hsd/bin/node" --network=regtest --prefix="$LAB/data" --listen=true --host=127.0.0.1 --http-host=127.0.0.1 \
		--no-auth=true --ns-host=127.0.0.1 --rs-host=127.0.0.1 --rs-no-unbound=true --wallet-http-host=127.0.0.1 --upnp=false \
		--discover=false --max-outbound=1 --log-console=false >"$LAB/hsd.log" 2>&1 &
	echo $! >"$LAB/hsd.pid"
	local address
	for _ in $(seq 300); do
		kill -0 "$(cat "$LAB/hsd.pid")" 2>/dev/null || fail "hsd ended: $(tail -3 "$LAB/hsd.log")"
		address=$(wallet getnewaddress 2>/dev/null || true)
		case $address in rs1*) echo "$address" >"$LAB/address"; return ;; esac
		sleep 0.2
	done
	fail "hsd has no wallet"
}

zones_up() {
	mkdir -p "$LAB/zone/db"
	local n
	{
		printf 'server:\n  rundir: "%s/zone"\n  listen: 127.0.53.4@53\n  user: root:root\ndatabase:\n  storage: "%s/zone/db"\n' "$LAB" "$LAB"
		printf 'policy:\n  - id: ed\n    algorithm: ed25519\n    single-type-signing: on\n    nsec3: on\n'
		printf 'template:\n  - id: default\n    storage: "%s/zone"\n    zonefile-sync: -1\n    journal-content: all\n    zonefile-load: difference\n' "$LAB"
		printf '    dnssec-signing: on\n    dnssec-policy: ed\nzone:\n'
		for n in $names; do printf '  - domain: %s.\n    file: %s.zone\n' "$n" "$n"; done
	} >"$LAB/zone/knot.conf"
	for n in $names; do
		printf '$ORIGIN %s.\n$TTL 300\n@ SOA ns1 host 1 3600 600 86400 300\n@ NS ns1\nns1 A 127.0.53.4\n_pars TXT "the zone of %s"\n' "$n" "$n" >"$LAB/zone/$n.zone"
	done
	knotd -c "$LAB/zone/knot.conf" >"$LAB/knotd.log" 2>&1 &
	echo $! >"$LAB/knotd.pid"
	for n in $names; do
		for i in $(seq 100); do
			! dig +short @127.0.53.4 "$n" DNSKEY 2>/dev/null | grep -q ^257 || break
			[ "$i" != 100 ] || fail "no key of $n: $(tail -3 "$LAB/knotd.log")"
			sleep 0.1
		done
	done
	dig @127.0.53.4 parsgood DNSKEY | dnssec-dsfromkey -2 -f - parsgood >"$LAB/ds"
}

resource() { # resource NAME DIGEST: what its owner publishes
	local tag
	tag=$(awk '{ print $4 }' "$LAB/ds")
	jq -nc --arg n "$1" --argjson tag "$tag" --arg d "$2" '{ records: [ { type: "GLUE4", ns: ("ns1." + $n + "."), address: "127.0.53.4" },
		{ type: "DS", keyTag: $tag, algorithm: 15, digestType: 2, digest: $d }, { type: "TXT", txt: [ "pars1 h=00 q=7" ] } ] }'
}

inside() {
	node_up
	zones_up
	local n digest
	mine 110 # a name may be opened from hash(name) mod 52 weeks of 2 blocks on
	wallet selectwallet primary >/dev/null
	for n in $names; do pay sendopen "$n"; done
	mine 7
	is BIDDING
	for n in $names; do pay sendbid "$n" 1 2; done
	mine 6
	is REVEAL
	for n in $names; do pay sendreveal "$n"; done
	mine 11
	is CLOSED
	digest=$(awk '{ for (i = 7; i <= NF; i++) d = d $i; print tolower(d) }' "$LAB/ds")
	pay sendupdate parsgood "$(resource parsgood "$digest")"
	pay sendupdate parsbad "$(resource parsbad "$(printf %064d 0)")"
	mine 12 # the root of the tree changes every 5 blocks
	for n in $names; do
		rpc getnameproof "$n" | jq -e '.proof.type == "TYPE_EXISTS"' >/dev/null || fail "no proof of $n"
	done
}

up() {
	local ns=parshns$$
	ip netns add "$ns"
	echo "$ns" >"$LAB/netns"
	trap '"$self" down "$LAB"' ERR INT TERM
	ip -n "$ns" link set lo up
	ip netns exec "$ns" "$self" inside "$LAB"
}

down() {
	local f pid
	for f in "$LAB"/*.pid; do
		[ -e "$f" ] || continue
		pid=$(cat "$f")
		kill "$pid" 2>/dev/null || continue
		for _ in $(seq 100); do kill -0 "$pid" 2>/dev/null || break; sleep 0.1; done
		kill -9 "$pid" 2>/dev/null || true
	done
	ip netns del "$(cat "$LAB/netns")"
	rm -f "$LAB"/*.pid "$LAB/netns"
}

within() { exec ip netns exec "$(cat "$LAB/netns")" "$@"; }
case $verb in
up) up ;;
down) down ;;
inside) inside ;;
exec) within "$@" ;;
mine | rpc | wallet) within "$self" "in-$verb" "$LAB" "$@" ;;
in-mine) mine "$1" ;;
in-rpc) rpc "$@" ;;
in-wallet) wallet "$@" ;;
*) usage ;;
esac
