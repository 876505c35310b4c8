#!/bin/sh
# Release builds: dist/OS-ARCH/ for each platform, with sizes and SHA256SUMS. With VERIFY=1 everything is built again
# from a copy in another place with an empty cache, and must be the same to the bit. Where a desktop can run a full node
# (make prints DESKTOP), pars-evm-full is pars-evm with the verb node, beside the small one.
set -eu
export CGO_ENABLED=0 TZ=UTC LC_ALL=C
out=${DIST:-dist}
targets=${TARGETS:-linux/amd64 linux/arm64 linux/arm linux/riscv64 windows/amd64 darwin/amd64 darwin/arm64 android/arm64}

# build TREE OUT: every command of the tree for every platform.
build() {
	for target in $targets; do
		os=${target%/*} arch=${target#*/} name=${target%/*}-${target#*/} extra=
		[ "$arch" != arm ] || name=$os-armv7
		[ "$os" != android ] || extra=-checklinkname=0
		mkdir -p "$2/$name"
		(cd "$1" && GOOS=$os GOARCH=$arch GOARM=7 go build -trimpath -buildvcs=false -tags urfave_cli_no_docs \
			-ldflags="-s -w -buildid= $extra" -o "$2/$name/" ./cmd/...)
		exe=
		case $target in
		windows/amd64) exe=.exe ;;
		linux/amd64 | linux/arm64 | darwin/*) ;;
		*) continue ;;
		esac
		(cd "$1" && GOOS=$os GOARCH=$arch go build -trimpath -buildvcs=false -tags urfave_cli_no_docs,parsfull \
			-ldflags="-s -w -buildid=" -o "$2/$name/pars-evm-full$exe" ./cmd/pars-evm)
	done
	(cd "$2" && find . -type f ! -name SHA256SUMS | sort | xargs sha256sum >SHA256SUMS)
}

rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
build . "$out"
(cd "$out" && find . -type f ! -name SHA256SUMS | sort | xargs ls -l | awk '{ printf "%10.1f MB  %s\n", $5 / 1e6, $NF }')

echo "compile only: ios/arm64, libraries"
# shellcheck disable=SC2046 # one word a package
GOOS=ios GOARCH=arm64 go build -trimpath $(go list -f '{{if ne .Name "main"}}{{.ImportPath}}{{end}}' ./...)

if [ "${VERIFY:-}" = 1 ]; then
	copy=$(mktemp -d)
	trap 'rm -rf "$copy"' EXIT
	mkdir "$copy/elsewhere" "$copy/again"
	git ls-files -z | xargs -0 tar cf - | (cd "$copy/elsewhere" && tar xf -)
	(GOCACHE=$copy/cache && export GOCACHE && build "$copy/elsewhere" "$copy/again")
	cmp "$out/SHA256SUMS" "$copy/again/SHA256SUMS"
	echo "built twice: the same to the bit"
fi
