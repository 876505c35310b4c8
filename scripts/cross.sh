#!/bin/sh
# Build the tree for each GOOS/GOARCH given, then for the phones, where only libraries are linked by us.
set -eu
export CGO_ENABLED=0 GOARM=7
libraries=$(go list -f '{{if ne .Name "main"}}{{.ImportPath}}{{end}}' ./...)

try() {
	target=$1
	shift
	echo "build $target"
	GOOS=${target%/*} GOARCH=${target#*/} go build "$@"
}

for target in "$@"; do
	try "$target" ./...
done
for target in windows/amd64 darwin/arm64; do # with the full node, where it is built in
	try "$target" -tags parsfull ./pkg/evm/full ./internal/command/evm
done
# A dependency reaches into package net, which the linker refuses on Android unless told otherwise.
try android/arm64 -ldflags=-checklinkname=0 ./...
# shellcheck disable=SC2086 # one word a package
try ios/arm64 $libraries
