#!/bin/sh
# Run every Fuzz target, sharing the time evenly: scripts/fuzz.sh 5m
set -eu
total=${1:-5m}
case $total in
*h) seconds=$((${total%h} * 3600)) ;;
*m) seconds=$((${total%m} * 60)) ;;
*s) seconds=${total%s} ;;
*) echo "fuzz: $total is no time such as 5m" >&2; exit 2 ;;
esac
list=$(grep -rn --include='*_test.go' --exclude-dir=testdata -E '^func Fuzz[A-Za-z0-9_]+\(' . |
	sed -E 's|^(.*)/[^/]*_test\.go:[0-9]+:func (Fuzz[A-Za-z0-9_]+)\(.*|\1 \2|')
count=$(echo "$list" | grep -c . || true)
if [ "$count" -eq 0 ]; then
	echo "fuzz: no Fuzz target found" >&2
	exit 1
fi
each=$((seconds / count))
[ "$each" -gt 0 ] || each=1
echo "fuzz: $count targets, ${each}s each"
failed=
while read -r dir name; do
	go test -tags parsfull -run '^$' -fuzz "^$name\$" -fuzztime "${each}s" "$dir" || failed="$failed $dir:$name"
done <<EOF
$list
EOF
if [ -n "$failed" ]; then
	echo "fuzz: failed:$failed" >&2
	exit 1
fi
