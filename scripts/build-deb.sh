#!/bin/bash
# build-deb.sh [VERSION]: builds the Debian packages of packaging/debian into build/deb. `make deb`
# calls this, with the libraries built.
#
# VERSION is the packages' version, if not that of packaging/debian/changelog: for a build of
# one's own, such as 0.1.0+site1. DEB_OUT is a folder other than build/deb; LINTIAN=no
# leaves lintian out.
set -euo pipefail
cd "$(dirname "$0")/.."
version=${1:-}
out=${DEB_OUT:-build/deb}

scripts/install-packages.sh build-essential dpkg-dev debhelper lintian python3
scripts/deb_symbols.py check

rm -rf "$out"
mkdir -p "$out/work"
cp -a packaging/debian "$out/work/debian"
scripts/crate_licences.py copyright packaging/debian/copyright.in >"$out/work/debian/copyright"
scripts/crate_licences.py texts >"$out/work/debian/crates.txt"
if [ -n "$version" ]; then
    {
        printf 'mqttrs (%s) unstable; urgency=medium\n\n  * Built as version %s.\n\n' "$version" "$version"
        printf ' -- The libmqttrs developers <developers@libmqttrs.invalid>  %s\n\n' "$(date -R)"
        cat packaging/debian/changelog
    } >"$out/work/debian/changelog"
fi

# What cargo has already built is used; where it is must be said, as dpkg's tools move HOME.
MQTTRS_SOURCE=$PWD
CARGO_HOME=${CARGO_HOME:-$HOME/.cargo} RUSTUP_HOME=${RUSTUP_HOME:-$HOME/.rustup}
export MQTTRS_SOURCE CARGO_HOME RUSTUP_HOME
if ! (cd "$out/work" && dpkg-buildpackage --build=binary --unsigned-changes --unsigned-buildinfo) >"$out/build.log" 2>&1; then
    cat "$out/build.log" >&2
    exit 1
fi
rm -rf "$out/work"

if [ "${LINTIAN:-yes}" != no ]; then
    lintian --allow-root --fail-on error --info "$out"/*.changes
fi
ls -l "$out"/*.deb
