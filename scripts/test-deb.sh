#!/bin/bash
# test-deb.sh: tests the Debian packages in build/deb. `make test-deb` calls this.
#
# They are examined here, and installed, upgraded, removed and purged in a small Debian of its own,
# which mmdebstrap makes in a folder: nothing is installed on this machine but the tools for it.
# Needs root, or sudo. The small Debian is kept for the next time, in build/test-deb.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages/check.sh

packages=$PWD/build/deb
folder=$PWD/build/test-deb
mkdir -p "$folder"
work=$(mktemp -d "$folder/work.XXXXXX")
as_root=()
[ "$(id -u)" -eq 0 ] || as_root=(sudo -n)

clean_up() {
    rm -rf "$work" 2>/dev/null || "${as_root[@]}" rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# --- examined -----------------------------------------------------------------------------------

field() {
    dpkg-deb --field "$packages/$1"_*.deb "$2"
}

contents() {
    dpkg-deb --fsys-tarfile "$packages/$1"_*.deb
}

file_of() {
    contents "$1" | tar -xO "./$2"
}

# Whatever the compiler left of the names of crates in the library has its licence told.
names_crates_inside() {
    local crate crates
    crates=$(file_of libmqttrs0 "usr/lib/$triplet/libmqttrs.so.0" | grep -aoE 'registry/src/[^/]+/[a-z0-9_-]+-[0-9.]+' | sed 's|.*/||' | sort -u)
    echo "crates in the library: $crates"
    [ "$(wc -w <<<"$crates")" -gt 5 ] || return 1
    for crate in $crates; do
        file_of libmqttrs0 usr/share/doc/libmqttrs0/copyright | grep -A 20 -F "Files: crates/$crate/*" | grep '^License: ' >/dev/null || return 1
    done
}

# Cargo's own list, of this machine's kind, each with what cargo says is its licence.
names_crates_of_cargo() {
    local crate version licence number=0
    while IFS=$'\t ' read -r crate version licence; do
        number=$((number + 1))
        file_of libmqttrs0 usr/share/doc/libmqttrs0/copyright | sed -n "\\|^Files: crates/$crate-${version#v}/|,/^\$/p" >"$work/paragraph"
        for word in $licence; do
            case $word in
                OR | AND) ;;
                *) grep -q "^License: .*$word" "$work/paragraph" || { echo "$crate $version: $word is missing"; return 1; } ;;
            esac
        done
    done < <("${CARGO:-cargo}" tree --locked --edges normal,no-proc-macro --prefix none --no-dedupe --format '{p}	{l}' |
        grep -v '^mqttrs ' | sed 's| (/[^)]*)||' | sort -u)
    echo "$number crates"
    [ "$number" -gt 20 ]
}

same_copyright_everywhere() {
    local name
    for name in libmqttrs-dev libmqttrs-mosquitto; do
        cmp <(file_of libmqttrs0 usr/share/doc/libmqttrs0/copyright) <(file_of "$name" "usr/share/doc/$name/copyright") || return 1
        file_of "$name" "usr/share/doc/$name/crates.txt.gz" | zcat | grep 'ring-' >/dev/null || return 1
    done
}

symbols_are_those_of_the_library() {
    dpkg-deb --control "$packages"/libmqttrs0_*.deb "$work/control"
    diff <(sed -n 's/^ \(.*\) [^ ]*$/\1/p' "$work/control/symbols" | sort) \
        <(file_of libmqttrs0 "usr/lib/$triplet/libmqttrs.so.0" >"$work/library"; nm -D --defined-only --with-symbol-versions "$work/library" |
            sed 's/.* //; s/@@/@/; /@/!s/.*/&@&/' | sort -u)
}

is_hardened() {
    file_of "$1" "$2" >"$work/library"
    readelf -lWd "$work/library" >"$work/elf"
    cat "$work/elf"
    grep -q 'GNU_RELRO' "$work/elf" && grep -qE 'BIND_NOW|FLAGS.*NOW' "$work/elf" || return 1
    ! grep -qE 'GNU_STACK .* RWE|TEXTREL|R(UN)?PATH' "$work/elf"
}

lintian_is_silent() {
    lintian --allow-root --fail-on error,warning --display-level '>=warning' "$packages"/*.changes
}

version_is_cargos() {
    [ "$(dpkg-deb --field "$packages"/libmqttrs0_*.deb Version)" = "$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)" ]
}

unpack() {
    mkdir -p "$work/unpacked"
    contents libmqttrs0 | tar -x -C "$work/unpacked"
    contents libmqttrs-dev | tar -x -C "$work/unpacked"
    dpkg-deb --control "$packages"/libmqttrs0_*.deb "$work/unpacked/DEBIAN"
}

# The packages unpacked anywhere are found by CMake.
cmake_finds_it() {
    mkdir -p "$work/cmake"
    cat >"$work/cmake/CMakeLists.txt" <<'CMAKE'
cmake_minimum_required(VERSION 3.18)
project(program C)
find_package(mqttrs 0.1 REQUIRED)
add_executable(program program.c)
target_link_libraries(program PRIVATE mqttrs::mqttrs)
CMAKE
    printf '#include <mqttrs.h>\nint main(void) { return mosquitto_lib_version(0, 0, 0) == 0 || mqttrs_ack(0, 1, 0) == 0; }\n' >"$work/cmake/program.c"
    cmake -S "$work/cmake" -B "$work/cmake/build" -DCMAKE_PREFIX_PATH="$work/unpacked/usr" &&
        cmake --build "$work/cmake/build" && "$work/cmake/build/program" &&
        ldd "$work/cmake/build/program" | grep -F "$work/unpacked/usr/lib/$triplet/libmqttrs.so.0"
}

# What dpkg would write into the package of that program.
program_depends_on_the_package() {
    mkdir -p "$work/cmake/debian"
    printf 'Source: program\n\nPackage: program\nArchitecture: any\n' >"$work/cmake/debian/control"
    (cd "$work/cmake" && dpkg-shlibdeps -O -S"$work/unpacked" build/program) | tee "$work/depends"
    grep -qE '(Depends=|, )libmqttrs0 \(>= [0-9.]+\)' "$work/depends"
}

headers_of_cpp_compile() {
    printf '#include <mosquittopp.h>\n#include <mqttrs.hpp>\nint main() {}\n' |
        g++ -std=c++17 -Wall -Wextra -Werror -I"$work/unpacked/usr/include/mqttrs" -fsyntax-only -x c++ -
}

examine() {
    triplet=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
    check "lintian has neither errors nor warnings" lintian_is_silent
    check "the packages have cargo's version" version_is_cargos
    check "the table of symbols is that of the map" scripts/deb_symbols.py check
    check "the table of symbols is that of the library" symbols_are_those_of_the_library
    check "each crate that cargo names has its licence told" names_crates_of_cargo
    check "each crate that shows in the library has its licence told" names_crates_inside
    check "all packages tell the same licences" same_copyright_everywhere
    check "the library is hardened" is_hardened libmqttrs0 "usr/lib/$triplet/libmqttrs.so.0"
    check "the stand-in is hardened" is_hardened libmqttrs-mosquitto "usr/lib/$triplet/mqttrs/libmosquitto.so.1"
    check "both are unpacked" unpack
    check "CMake finds the library in its folder for several kinds of machines" cmake_finds_it
    check "a program's package depends on the library's" program_depends_on_the_package
    check "the headers of C++ compile" headers_of_cpp_compile
}

# --- installed ----------------------------------------------------------------------------------

# Why there cannot be a Debian of its own here; nothing if there can.
why_no_chroot() {
    if [ "$(id -u)" -ne 0 ] && ! sudo -n true 2>/dev/null; then
        echo "that needs root, and sudo asks for a password or is not there"
    elif ! "${as_root[@]}" unshare --mount --pid --net --fork true 2>/dev/null; then
        echo "namespaces of mounts, processes and networks are not permitted"
    elif ! "${as_root[@]}" chroot / true 2>/dev/null; then
        echo "chroot is not permitted"
    fi
}

# With a compiler, and with what Mosquitto's programs depend on.
make_base() {
    # $1 is the folder of the new Debian, to mmdebstrap's shell.
    # shellcheck disable=SC2016
    "${as_root[@]}" mmdebstrap --variant=minbase --format=tar \
        --include=gcc,libc6-dev,make,pkg-config,iproute2,mosquitto,mosquitto-clients \
        --customize-hook='scripts/packages/peers.sh "$1"' \
        "$(. /etc/os-release && echo "$VERSION_CODENAME")" "$work/base.tar" && mv -f "$work/base.tar" "$1"
}

run_in_chroot() {
    local why base=$folder/base.tar root=$work/root
    why=$(why_no_chroot)
    if [ -n "$why" ]; then
        skipped "the packages install, upgrade and remove cleanly" "$why"
        return
    fi
    if [ ! -e "$base" ] || [ scripts/test-deb.sh -nt "$base" ] || [ scripts/packages/peers.sh -nt "$base" ]; then
        scripts/install-packages.sh mmdebstrap
        check "a Debian to try the packages in can be made" make_base "$base"
        [ -e "$base" ] || return 0
    fi
    check "packages of a higher version can be built" higher_version
    "${as_root[@]}" mkdir "$root"
    "${as_root[@]}" tar -xf "$base" -C "$root"
    echo "127.0.0.1 localhost" | "${as_root[@]}" tee "$root/etc/hosts" >/dev/null
    "${as_root[@]}" cp -r scripts/packages/. "$root/packages/"
    "${as_root[@]}" mkdir "$root/packages/ours" "$root/packages/newer"
    "${as_root[@]}" cp "$packages"/*.deb "$root/packages/ours/"
    "${as_root[@]}" cp "$work"/newer/*.deb "$root/packages/newer/"
    "${as_root[@]}" unshare --mount --pid --net --fork --kill-child --mount-proc="$root/proc" \
        chroot "$root" /bin/bash /packages/in-chroot.sh </dev/null || echo "FAILED: the tests in the Debian of its own run to their end"
}

higher_version() {
    MAKEFLAGS='' LINTIAN=no DEB_OUT="$work/newer" scripts/build-deb.sh "$(field libmqttrs0 Version)+upgrade1"
}

{
    scripts/install-packages.sh dpkg-dev lintian binutils cmake gcc g++ libc6-dev >&2
    examine
    run_in_chroot
} 2>&1 | tee "$work/test.log"
cp "$work/test.log" "$folder/test.log"
echo
summary deb "$work/test.log"
