#!/bin/sh
# loader.sh: make a root for qemu-user in which an android/arm64 Go program starts, and print its path.
#
# Such a program asks for the dynamic loader /system/bin/linker64 even when it links no library. Debian's arm64 loader does
# as well as Android's own for that; it comes out of a package that is unpacked and not installed.
set -eu
root=${PARS_ANDROID_ROOT:-/var/cache/pars-lab/android}
package=libc6-arm64-cross version=2.36-8cross1
sum=91936cbbee75771c360ed16513f6e734a25ca5517fe7c3e13dfd7835d7553186
loader=$root/system/bin/linker64
[ ! -x "$loader" ] || { echo "$root"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
get() { apt-get -q -o APT::Sandbox::User=root -o Acquire::Retries=3 download "$package=$version" >&2; }
get || { apt-get -q update >&2 && get; }
echo "$sum  $(echo ./*.deb)" | sha256sum -c - >&2
dpkg-deb -x ./*.deb unpacked
mkdir -p "${loader%/*}"
cp unpacked/usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1 "$loader.new"
chmod 755 "$loader.new"
mv "$loader.new" "$loader" # whole or not at all
echo "$root"
