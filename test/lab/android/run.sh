#!/bin/sh
# run.sh PROGRAM [ARG…]: run a program built with GOOS=android GOARCH=arm64 CGO_ENABLED=0 on this machine.
set -eu
[ $# -ge 1 ] || { sed -n '2s/^# //p' "$0" >&2; exit 2; }
root=$(sh "$(dirname "$0")/loader.sh")
exec qemu-aarch64-static -L "$root" "$@"
