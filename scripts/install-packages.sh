#!/bin/sh
# install-packages.sh [PACKAGE...]
# Installs the named Debian packages, or all that the tests use, unless they
# are there already. Starts no service: one that a package brings along and
# that the system starts by itself is stopped and switched off again.
set -eu

# The peers we are compared with: the broker, its tools, libmosquitto itself
# for C and C++, and a daemon that links it; SOCKS5 and HTTP proxies.
peers="mosquitto mosquitto-clients libmosquitto1 libmosquitto-dev libmosquittopp-dev collectd-core openssl microsocks dante-server tinyproxy-bin squid"
# What builds and examines the C programs.
tools="binutils cmake gcc g++ libc6-dev libssl-dev libuv1-dev make mandoc pkg-config python3 strace valgrind"
# Services among the packages above.
services="mosquitto collectd microsocks danted squid avahi-daemon kamailio rtpengine-daemon shairport-sync"

if [ $# -gt 0 ]; then
    wanted=$*
else
    wanted="$peers $tools"
fi

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    echo "This is not Debian or a relative of it; please see to these (here by their Debian names): $wanted" >&2
    exit 0
fi

installed() {
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null) || return 1
    [ "$status" = installed ]
}

missing=
for package in $wanted; do
    installed "$package" || missing="$missing $package"
done
if [ -z "$missing" ]; then
    exit 0
fi

new_services=
for service in $services; do
    [ -e "/lib/systemd/system/$service.service" ] || [ -e "/etc/init.d/$service" ] || new_services="$new_services $service"
done

as_root=
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "Please install, as root:$missing" >&2
        exit 1
    fi
    as_root=sudo
fi

apt_get() {
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get -q -y -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

echo "Installing Debian packages:$missing"
# Without lists of packages, or with lists that have grown too old, the first
# attempt fails; with new ones the second tells what is really wrong.
# shellcheck disable=SC2086
if ! apt_get install --no-install-recommends $missing >/dev/null 2>&1; then
    apt_get update
    apt_get install --no-install-recommends $missing
fi

for service in $new_services; do
    if [ -d /run/systemd/system ]; then
        if [ -e "/lib/systemd/system/$service.service" ]; then
            $as_root systemctl disable --now "$service.service"
            # What would start it again when somebody knocks.
            [ ! -e "/lib/systemd/system/$service.socket" ] || $as_root systemctl disable --now "$service.socket"
        fi
    elif [ -e "/etc/init.d/$service" ]; then
        $as_root "/etc/init.d/$service" stop >/dev/null || true
    fi
done
