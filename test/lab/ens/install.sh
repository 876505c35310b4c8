#!/bin/sh
# install.sh DIR: the contracts of ENS as they were published (registry of 0.6.2, resolver of 0.3.1) and the reference of ENSIP-15; may be
# run again. geth is that of the chain's lab.
set -eu
[ $# -eq 1 ] || { echo "usage: install.sh DIR" >&2; exit 2; }
for c in node npm tar sha512sum; do
	command -v "$c" >/dev/null || { echo "ens/install.sh: no $c" >&2; exit 1; }
done
mkdir -p "$1"
cd "$1"
[ ! -e stamp ] || exit 0
npm pack --silent @ensdomains/ens@0.6.2 @ensdomains/resolver@0.3.1 @adraffy/ens-normalize@1.11.1 >/dev/null
sha512sum --quiet --check <<'SUMS'
9e1081577aae1207acb9fedceca61fa5eaea492d784fc6d8baf27c3dc2c9a7ace7919a4573402e5b8a81b6bf1e295c8f3deffc452afbb2094258f53979ac7029  adraffy-ens-normalize-1.11.1.tgz
17700b829eb41d9ab7acaa8d8a0ec7feb025041d33bb3e02f6adb0782a223e3496f75baf8deb57842181536609083d6dcae2a73bf2aa4c3cd43790dcf072e569  ensdomains-ens-0.6.2.tgz
71763b9e898e0dd749e7da6f930931a7b4ad80a72ff176f43a1404fe909ef34e38f13f2d10b3c612085fdad86d8f3e3ee1ff9cee6b7c5c9434e18d06b9cd259c  ensdomains-resolver-0.3.1.tgz
SUMS
for p in ensdomains-ens-0.6.2 ensdomains-resolver-0.3.1 adraffy-ens-normalize-1.11.1; do
	mkdir -p "$p"
	tar xzf "$p.tgz" -C "$p" --strip-components=1
done
touch stamp
echo "ens: installed in $1"
