#!/bin/sh
# net.sh: a LAN of network namespaces on a bridge; as root. The bridge has a namespace of its own, so that nothing leaves.
#   net.sh up NAME N          nodes NAME0 … with 10.77.0.(10+i)/24 and a link-local IPv6 address on eth0
#   net.sh exec NAME I CMD…   run CMD in node I
#   net.sh cut NAME I         take node I's cable out, at the bridge's end: node I sees its carrier go, the others nothing
#   net.sh heal NAME I        put it back
#   net.sh split NAME I…      move these nodes to a second bridge: two islands, and nobody sees a carrier go
#   net.sh join NAME          all on one bridge again
#   net.sh lans NAME N M      two LANs with a router between: N nodes in 10.77.0.0/24, then M in 10.78.0.0/24
#   net.sh part NAME          the router forwards nothing; nobody sees a carrier go
#   net.sh whole NAME         it forwards again
#   net.sh drop NAME I PCT    lose PCT of a hundred packets that node I sends; 0 ends it
#   net.sh down NAME          end what runs in the nodes, and remove everything
set -eu
usage() { sed -n '3,13s/^#   //p' "$0" >&2; exit 2; }
[ $# -ge 2 ] || usage
verb=$1 name=$2
shift 2
bridge=${name}br
nodes() { ip netns list | cut -d ' ' -f 1 | grep -x "$name[0-9][0-9]*" || true; }

up() {
	ip netns add "$bridge"
	for b in one two; do
		# without a querier a bridge that snoops would swallow multicast
		ip -n "$bridge" link add "$b" type bridge mcast_snooping 0
		ip -n "$bridge" link set "$b" up
	done
	i=0
	while [ "$i" -lt "$1" ]; do
		ip netns add "$name$i"
		ip -n "$bridge" link add "port$i" type veth peer name eth0 netns "$name$i"
		ip -n "$bridge" link set "port$i" master one up
		ip -n "$name$i" link set lo up
		ip -n "$name$i" address add "10.77.0.$((10 + i))/24" dev eth0
		ip -n "$name$i" link set eth0 up
		i=$((i + 1))
	done
}

lans() { # lans N M
	up "$(($1 + $2))"
	i=$1
	while [ "$i" -lt "$(($1 + $2))" ]; do
		ip -n "$bridge" link set "port$i" master two
		ip -n "$name$i" address del "10.77.0.$((10 + i))/24" dev eth0
		ip -n "$name$i" address add "10.78.0.$((10 + i))/24" dev eth0
		i=$((i + 1))
	done
	ip -n "$bridge" address add 10.77.0.1/24 dev one
	ip -n "$bridge" address add 10.78.0.1/24 dev two
	i=0
	while [ "$i" -lt "$(($1 + $2))" ]; do
		lan=77
		[ "$i" -lt "$1" ] || lan=78
		ip -n "$name$i" route add default via "10.$lan.0.1"
		i=$((i + 1))
	done
	forward 1
}

forward() { ip netns exec "$bridge" sh -c "echo $1 >/proc/sys/net/ipv4/ip_forward"; }

drop() { # drop NODE PCT
	ip netns exec "$1" nft delete table inet lab 2>/dev/null || true
	case $2 in
	0) return 0 ;;
	100) some= ;;
	*) some="numgen random mod 100 < $2" ;;
	esac
	ip netns exec "$1" nft -f - <<-N
		table inet lab {
			chain out {
				type filter hook output priority 0
				oifname eth0 $some drop
			}
		}
	N
}

down() {
	for n in $(nodes) "$bridge"; do
		ip netns list | cut -d ' ' -f 1 | grep -qx "$n" || continue
		for pid in $(ip netns pids "$n"); do kill -9 "$pid" 2>/dev/null || true; done
		ip netns del "$n"
	done
}

case $verb in
up) [ "${1:-0}" -ge 1 ] && [ "$1" -le 240 ] || usage; trap 'down' INT TERM; up "$1" || { down; exit 1; } ;;
lans) trap 'down' INT TERM; lans "$1" "$2" || { down; exit 1; } ;;
part) forward 0 ;;
whole) forward 1 ;;
exec) i=$1; shift; exec ip netns exec "$name$i" "$@" ;;
cut) ip -n "$bridge" link set "port$1" down ;;
heal) ip -n "$bridge" link set "port$1" up ;;
split) for i; do ip -n "$bridge" link set "port$i" master two; done ;;
join) for n in $(nodes); do ip -n "$bridge" link set "port${n#"$name"}" master one; done ;;
drop) drop "$name$1" "$2" ;;
down) down ;;
*) usage ;;
esac
