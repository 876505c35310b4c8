#!/bin/sh
# again.sh FLAGS… PACKAGES…: go test; what fails is run once more, alone, and named. The labs meet real servers in real time on
# machines that are shared: late once is told, failed twice is a failure. Flags take their values with "=".
set -u
log=$(mktemp)
trap 'rm -f "$log" "$log.code"' EXIT
{ go test "$@"; echo "$?" >"$log.code"; } 2>&1 | tee "$log"
code=$(cat "$log.code")
[ "$code" = 0 ] && exit 0
names=$(awk '/^--- FAIL: / { print $3 }' "$log" | sort -u | paste -s -d '|' -)
packages=$(awk '$1 == "FAIL" && NF > 1 { print $2 }' "$log" | sort -u)
if [ -z "$names" ] || grep -q '\[build failed\]\|\[setup failed\]\|^panic: ' "$log"; then
	exit "$code"
fi
for arg; do
	shift
	case $arg in -*) set -- "$@" "$arg" ;; esac
done
echo "again: $names"
# shellcheck disable=SC2086 # one word a package
go test "$@" -count=1 -run "^($names)\$" $packages
