#!/bin/sh
# run.sh WORKDIR COMMAND…: a namespace with pcscd and the virtual reader of vsmartcard, and COMMAND in it.
# The virtual reader waits for its card at 127.0.0.1:35963, on every address of its namespace; pcscd's socket has one
# place on the machine, so one lab runs at a time. Root, on Debian 12.
set -eu
work=$1
shift
socket=/run/pcscd/pcscd.comm
space=parsnfc$$
daemon=
if [ -S "$socket" ]; then
	echo "run.sh: a pcscd runs here already, at $socket" >&2
	exit 7
fi

down() {
	if [ -n "$daemon" ]; then
		kill "$daemon" 2>/dev/null || true
		wait "$daemon" 2>/dev/null || true
	fi
	ip netns del "$space" 2>/dev/null || true
	rm -f "$socket" /run/pcscd/pcscd.pid
}
trap down EXIT
trap 'exit 143' TERM INT

mkdir -p "$work"
ip netns add "$space"
ip -n "$space" link set lo up
ip netns exec "$space" pcscd --foreground >"$work/pcscd.log" 2>&1 &
daemon=$!

listens() { [ -S "$socket" ] && ip netns exec "$space" sh -c 'grep -q ":8C7B " /proc/net/tcp /proc/net/tcp6'; } # port 35963
tries=0
until listens; do
	tries=$((tries + 1))
	if [ "$tries" -gt 100 ] || ! kill -0 "$daemon" 2>/dev/null; then
		cat "$work/pcscd.log" >&2
		exit 1
	fi
	sleep 0.1
done
PCSCLITE_CSOCK_NAME=$socket ip netns exec "$space" "$@"
