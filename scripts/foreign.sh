#!/bin/sh
# Build what the labs run under qemu: scripts/foreign.sh OUT makes OUT/linux-arm64 and OUT/android-arm64.
set -eu
[ $# -eq 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
out=$1
export CGO_ENABLED=0 GOARCH=arm64
for os in linux android; do
	extra=
	[ "$os" = linux ] || extra=-checklinkname=0 # a dependency reaches into package net
	mkdir -p "$out/$os-arm64"
	GOOS=$os go build -trimpath -buildvcs=false -ldflags="-s -w $extra" -o "$out/$os-arm64/" ./cmd/pars-node ./cmd/pars-dag
done
# The tests that hold bytes and cells to their vectors: another processor must make the same.
for pkg in reconcile vertex envelope; do
	GOOS=linux go test -c -o "$out/linux-arm64/$pkg.test" "./pkg/$pkg"
done
