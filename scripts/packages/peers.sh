#!/bin/bash
# peers.sh ROOT: run by mmdebstrap for the new Debian in ROOT, which has Mosquitto's programs by then. Puts
# the packages of these and of libmosquitto into /packages there, the oldest that there are into `old` and the
# newest into `new`, and takes them out again: what they depend on stays.
set -euo pipefail
root=$1
export APT_CONFIG=$MMDEBSTRAP_APT_CONFIG

versions=$(apt-cache madison libmosquitto1 | awk '{ print $3 }' | sort -uV)
for which in old:1 new:\$; do
    folder=$root/packages/${which%:*}
    version=$(sed -n "${which#*:}p" <<<"$versions")
    mkdir -p "$folder"
    (cd "$folder" && apt-get download "libmosquitto1=$version" "mosquitto=$version" "mosquitto-clients=$version")
done
chroot "$root" dpkg --purge mosquitto mosquitto-clients libmosquitto1
