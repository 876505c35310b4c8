#!/bin/sh
# down.sh WORK: ends what up.sh started, by pid. Lodestar 1.5.1 can hang when asked, so it is killed after five seconds.
set -eu
[ $# -eq 1 ] || { echo "usage: down.sh WORK" >&2; exit 2; }
for name in lodestar geth; do
	[ -f "$1/$name.pid" ] || continue
	pid=$(cat "$1/$name.pid")
	rm -f "$1/$name.pid"
	kill "$pid" 2>/dev/null || continue
	for _ in $(seq 10); do
		kill -0 "$pid" 2>/dev/null || break
		sleep 0.5
	done
	kill -9 "$pid" 2>/dev/null || true
done
