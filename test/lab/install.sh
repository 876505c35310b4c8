#!/bin/sh
# install.sh: what the labs use, on Debian 12, as root. Installs what is missing and nothing else; may be run again.
set -eu
export DEBIAN_FRONTEND=noninteractive
here=$(cd "$(dirname "$0")" && pwd)
missing=
need() { command -v "$1" >/dev/null 2>&1 || missing="$missing $2"; } # need COMMAND PACKAGE

need ip iproute2
need nft nftables
need qemu-aarch64-static qemu-user-static
need strace strace
need knotd knot
need kdig knot-dnsutils
need nsd nsd
need ldns-signzone ldnsutils
need named bind9
need dig bind9-dnsutils
need dnssec-signzone bind9-utils
need unbound unbound
need kresd knot-resolver
need openssl openssl
need zbarimg zbar-tools
need qrencode qrencode
need ffmpeg ffmpeg
need pdftoppm poppler-utils
need pcscd pcscd
need python3 python3
for c in node npm jq g++ make; do # Handshake
	case $c in node) need node nodejs ;; *) need "$c" "$c" ;; esac
done
need curl curl
[ -f /usr/include/node/node.h ] || missing="$missing libnode-dev" # headers for what Lodestar compiles
need dnssec-dsfromkey bind9-utils
[ -e /usr/share/doc/vsmartcard-vpcd ] || missing="$missing vsmartcard-vpcd" # no command of its own
[ -e /usr/share/doc/libpcsclite1 ] || missing="$missing libpcsclite1"
need dbus-daemon dbus
need systemd-analyze systemd
/usr/bin/python3 -c 'import dbus, dbusmock' 2>/dev/null || missing="$missing python3-dbus python3-dbusmock"

apt() { apt-get -q -o DPkg::Lock::Timeout=600 -o Acquire::Retries=3 "$@" >&2; }
if [ -n "$missing" ]; then
	[ "$(id -u)" = 0 ] || { echo "install.sh: missing:$missing; run it as root" >&2; exit 1; }
	apt update
	# shellcheck disable=SC2086 # one word a package
	apt install -y --no-install-recommends $missing
fi
sh "$here/android/loader.sh" >/dev/null
sh "$here/../../scripts/foreign.sh" "${PARS_LAB_FOREIGN:-/var/cache/pars-lab/foreign}"
sh "$here/ens/install.sh" "${PARS_LAB_ENS:-/var/cache/pars-lab/ens}" >&2
sh "$here/handshake/install.sh" "${PARS_LAB_HANDSHAKE:-/var/cache/pars-lab/handshake}" >&2
sh "$here/evm/install.sh" "${PARS_LAB_EVM:-/var/cache/pars-lab/evm}" >&2
echo "labs: installed"
