#!/bin/sh
# install.sh DIR: hsd 8.0.0 and urkel 1.0.3, at the versions of package-lock.json; may be run again.
# Needs node 18 or newer with its headers, npm, python3, make and g++: four addons are built.
set -eu
[ $# -eq 1 ] || { echo "usage: install.sh DIR" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
for c in node npm python3 make g++; do
	command -v "$c" >/dev/null || { echo "handshake/install.sh: no $c" >&2; exit 1; }
done
[ -n "${npm_config_nodedir:-}" ] || [ ! -f /usr/include/node/node.h ] || export npm_config_nodedir=/usr
mkdir -p "$1"
cd "$1"
stamp=$(cat "$here/package-lock.json" | sha256sum)$(node --version)
[ "$(cat stamp 2>/dev/null)" != "$stamp" ] || exit 0
rm -rf node_modules
cp "$here/package.json" "$here/package-lock.json" .
npm ci --no-audit --no-fund
NODE_BACKEND=native node -e 'require("hsd"); require("urkel")'
echo "$stamp" >stamp
echo "handshake: installed in $1"
