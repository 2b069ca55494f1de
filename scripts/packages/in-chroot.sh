#!/bin/bash
# Run by test-deb.sh as root of a small Debian of its own, which is thrown away afterwards: with a
# network of one loopback, with a compiler, without libmosquitto. In /packages are
#   ours/  newer/   our packages, and the same of a higher version
#   old/   new/     libmosquitto1 with Mosquitto's programs, in two versions (or one twice)
set -euo pipefail
cd "$(dirname "$0")"
. ./check.sh
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
ip link set lo up

triplet=$(gcc -dumpmachine)
libraries=/usr/lib/$triplet
ours=$libraries/mqttrs/libmosquitto.so.1
conf=/etc/ld.so.conf.d/00-mqttrs-$triplet.conf

# There is no network, so nothing comes from a registry.
apt_get() {
    apt-get -q -y --allow-downgrades -o Dpkg::Options::=--force-confdef -o Dpkg::Use-Pty=0 "$@"
}

install() {
    local files=() name
    local folder=$1
    shift
    for name; do files+=("$(echo /packages/"$folder/$name"_*.deb)"); done
    apt_get install "${files[@]}"
}

# What is on the disk, but for what dpkg and the loader note down.
files() {
    find / -xdev \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /packages -o -path /var/lib/dpkg \
        -o -path /var/lib/apt -o -path /var/cache -o -path /var/log -o -path /run \) -prune -o -print | sort
}

# Which file the loader would take for libmosquitto.so.1, the first of those it knows.
found() {
    ldconfig -p | sed -n 's/^\tlibmosquitto\.so\.1 .* => //p' | head -n 1
}

is_found() {
    local file
    file=$(found)
    echo "the loader finds ${file:-nothing}, instead of ${1:-nothing}"
    [ "$file" = "$1" ]
}

# cache_is_consistent: ldconfig finds nothing to be done.
cache_is_consistent() {
    ldconfig -p >/tmp/before
    ldconfig
    ldconfig -p >/tmp/after
    diff /tmp/before /tmp/after
}

# Reads lines from descriptor $1 up to one that contains $2.
wait_for() {
    local line
    while IFS= read -r -t 30 -u "$1" line; do
        printf '%s\n' "$line"
        [[ $line != *"$2"* ]] || return 0
    done
    echo "never came: $2"
    return 1
}

# conversation FILE: mosquitto_pub and mosquitto_sub talk to each other, and run on that FILE.
conversation() {
    local used
    exec {answers}< <(exec stdbuf -oL mosquitto_sub -h 127.0.0.1 -d -q 1 -t greetings/world -C 1 2>&1)
    local subscriber=$!
    wait_for "$answers" "Subscribed (mid" || return 1
    used=$(awk '/libmosquitto\.so/ { print $NF }' "/proc/$subscriber/maps" | sort -u)
    mosquitto_pub -h 127.0.0.1 -q 1 -t greetings/world -m "hello from afar" || return 1
    wait_for "$answers" "hello from afar" || return 1
    exec {answers}<&-
    echo "mosquitto_sub runs on $used, instead of $1"
    [ "$used" = "$1" ]
}

untouched() {
    dpkg --verify libmosquitto1 >/tmp/verified
    cat /tmp/verified
    [ ! -s /tmp/verified ]
}

has_version() {
    [ "$(dpkg-query --show --showformat='${Version}' "$1")" = "$(dpkg-deb --field /packages/"$2/$1"_*.deb Version)" ]
}

# --- libmqttrs0 and libmqttrs-dev ---------------------------------------------------------------

development() {
    files >/tmp/files.before
    check "the library installs" install ours libmqttrs0
    check "the development files install" install ours libmqttrs-dev
    check "the loader finds the library" bash -c "ldconfig -p | grep -F 'libmqttrs.so.0 '"
    check "a program builds with what pkg-config says" builds shared "$(pkg-config --cflags --libs mqttrs)"
    check "that program runs on the package's library" runs_on_package
    check "a program builds statically with what pkg-config says" builds static "-static $(pkg-config --static --cflags --libs mqttrs)"
    check "that program has no dynamic section" has_no_dynamic_section /tmp/static
    check "the examples build with their own Makefile" make -s -C /usr/share/doc/libmqttrs-dev/examples OUT=/tmp/examples
    check "the library upgrades with its development files" install newer libmqttrs0 libmqttrs-dev
    check "the new version of the library is there" has_version libmqttrs0 newer
    check "the program that was built before runs after the upgrade" runs_on_package
    check "an older version installs in place of a newer one" install ours libmqttrs0 libmqttrs-dev
    check "both are removed and purged" dpkg --purge libmqttrs-dev libmqttrs0
    files >/tmp/files.after
    check "of both no file is left" diff /tmp/files.before /tmp/files.after
    check "the loader's cache is as ldconfig makes it" cache_is_consistent
}

# The program is a client without a broker: it tells versions, and makes and destroys a client.
builds() {
    cat >/tmp/program.c <<'C'
#include <stdio.h>
#include <mqttrs.h>

int main(void)
{
    struct mosquitto *mosq = mosquitto_new(NULL, true, NULL);
    int rc = mosq ? mosquitto_connect(mosq, "127.0.0.1", 1, 60) : MOSQ_ERR_NOMEM;
    printf("mqttrs %d: %s\n", MQTTRS_VERSION_NUMBER, mosquitto_strerror(rc));
    mosquitto_destroy(mosq);
    return rc == MOSQ_ERR_ERRNO ? 0 : 1;
}
C
    # The flags are several words.
    # shellcheck disable=SC2086
    gcc -Wall -Werror -o "/tmp/$1" /tmp/program.c $2 && "/tmp/$1"
}

runs_on_package() {
    ldd /tmp/shared
    ldd /tmp/shared | grep -E "=> (/usr)?/lib/$triplet/libmqttrs.so.0 " && /tmp/shared
}

has_no_dynamic_section() {
    readelf -d "$1"
    readelf -d "$1" | grep -F "There is no dynamic section"
}

# --- libmqttrs-mosquitto ------------------------------------------------------------------------

without_libmosquitto() {
    check "the stand-in installs where there is no libmosquitto" install ours libmqttrs-mosquitto
    check "the loader finds the stand-in" is_found "$ours"
    check "the stand-in is removed where there is no libmosquitto" dpkg --remove libmqttrs-mosquitto
    check "the loader finds no libmosquitto any more" is_found ""
    check "the stand-in installs again" install ours libmqttrs-mosquitto
}

with_libmosquitto() {
    local original
    check "libmosquitto and its programs install beside the stand-in" install old libmosquitto1 mosquitto mosquitto-clients
    original=$(readlink -f "$libraries/libmosquitto.so.1")
    exec {broker}< <(exec mosquitto -p 1883 2>&1)
    wait_for "$broker" running >/tmp/broker.log
    check "Debian's mosquitto_pub and mosquitto_sub run on the stand-in" conversation "$ours"
    check "libmosquitto upgrades beside the stand-in" install new libmosquitto1 mosquitto mosquitto-clients
    check "the programs run on the stand-in after that upgrade" conversation "$ours"
    check "the stand-in upgrades" install newer libmqttrs-mosquitto
    check "the new version of the stand-in is there" has_version libmqttrs-mosquitto newer
    check "the programs run on the stand-in after its upgrade" conversation "$ours"
    check "libmosquitto's files are its own" untouched
    check "the loader's cache is as ldconfig makes it, with the stand-in" cache_is_consistent

    switched_off_by_hand

    check "the stand-in is removed" dpkg --remove libmqttrs-mosquitto
    check "the programs run on libmosquitto after the removal" conversation "$original"
    check "the folder of the stand-in is gone" test ! -e "$(dirname "$ours")"
    check "the stand-in is purged" dpkg --purge libmqttrs-mosquitto
    check "its configuration is gone" test ! -e "$conf"
    check "the loader's cache is as ldconfig makes it, without the stand-in" cache_is_consistent

    check "the stand-in installs beside libmosquitto" install ours libmqttrs-mosquitto
    check "the programs run on it again" conversation "$ours"
    check "the stand-in is purged at once" dpkg --purge libmqttrs-mosquitto
    check "the programs run on libmosquitto after that" conversation "$original"
    check "libmosquitto's files are still its own" untouched
}

# Who edits the file in ld.so.conf.d keeps the edit.
switched_off_by_hand() {
    sed -i 's/^\//# &/' "$conf"
    ldconfig
    check "the stand-in can be switched off by hand" conversation "$original"
    install ours libmqttrs-mosquitto >/dev/null 2>&1
    check "it stays switched off in an upgrade" conversation "$original"
    sed -i 's/^# \//\//' "$conf"
    ldconfig
    check "it can be switched on again" conversation "$ours"
}

development
without_libmosquitto
with_libmosquitto
