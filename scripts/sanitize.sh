#!/bin/bash
# sanitize.sh: runs the C stress programs with ThreadSanitizer and with AddressSanitizer.
# `make sanitize` calls this.
#
# The library is built with each sanitizer, and so is Rust's standard library: without that
# ThreadSanitizer would not see what its mutexes and threads order. That takes its sources and a
# compiler of the same version with a sanitizer runtime of the same LLVM, which Debian has
# (rustc-web, rust-web-src, clang); the packages are unpacked under build/sanitize and not
# installed. The tests then compile their C programs with the same sanitizer and run them as
# they do otherwise; where Valgrind is used otherwise, it is left out.
# CARGO_TARGET_DIR is where these tests are built.
#
# First come faults made on purpose (tests/sanitize/control): each has to be found.
set -euo pipefail
cd "$(dirname "$0")/.."

: "${MQTTRS_BUILD_DIR:?is the folder to build in; please use \"make sanitize\"}"
sanitizers=${SANITIZERS:-thread address}
cargo=${CARGO:-cargo}
work=$MQTTRS_BUILD_DIR/sanitize
toolchain=$work/toolchain
target=x86_64-unknown-linux-gnu
mkdir -p "$work"

fail() {
    echo "sanitize: $*" >&2
    exit 1
}

# The packages that $1 depends on and whose names match $2.
depends() {
    apt-cache show --no-all-versions "$1" | sed -n 's/^Depends: //p' | tr ',|' '\n\n' \
        | sed 's/^ *//; s/ .*//' | grep -E "$2" | sort -u
}

fetch_toolchain() {
    [ "$(uname -m)" = x86_64 ] || fail "made for x86_64"
    command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null \
        || fail "takes rustc with the standard library's sources, and clang, from Debian's packages; there is no apt-get here"
    if ! apt-cache show rust-web-src >/dev/null 2>&1; then
        fail "apt-get knows no package rust-web-src (Debian 12 has it); perhaps \"apt-get update\" helps"
    fi
    local std llvm
    std=$(depends libstd-rust-web-dev '^libstd-rust-web-[0-9]')
    llvm=$(depends "$std" '^libllvm[0-9]+$')
    llvm=${llvm#libllvm}
    rm -rf "$toolchain.new"
    mkdir -p "$toolchain.new/packages"
    echo "Fetching rustc with the standard library's sources, and clang $llvm"
    (cd "$toolchain.new/packages" && apt-get -q download rustc-web rust-web-src libstd-rust-web-dev "$std" \
        "libllvm$llvm" "llvm-$llvm" "clang-$llvm" "libclang1-$llvm" "libclang-cpp$llvm" \
        "libclang-common-$llvm-dev" "libclang-rt-$llvm-dev") || fail "the packages cannot be fetched"
    for package in "$toolchain.new"/packages/*.deb; do
        dpkg-deb -x "$package" "$toolchain.new"
    done
    rm -rf "$toolchain.new/packages"
    for name in rustc clang llvm-symbolizer; do
        local place=/usr/lib/llvm-$llvm/bin/$name
        [ $name != rustc ] || place=/usr/bin/rustc
        printf '#!/bin/sh\nLD_LIBRARY_PATH=%s/usr/lib/x86_64-linux-gnu exec %s "$@"\n' \
            "$toolchain" "$toolchain$place" >"$toolchain.new/$name"
        chmod +x "$toolchain.new/$name"
    done
    mv "$toolchain.new" "$toolchain"
}

# $1: the sanitizer; the rest: cargo's arguments. The profile is that of a release but for what
# would blur or slow down: no optimisation across crates, and with debugging information.
build() {
    local sanitizer=$1
    shift
    RUSTC=$toolchain/rustc RUSTC_BOOTSTRAP=1 \
        RUSTFLAGS="-Zsanitizer=$sanitizer -Zexternal-clangrt -Cforce-frame-pointers=yes -Cdebuginfo=1" \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=2 CARGO_PROFILE_RELEASE_LTO=off \
        CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_PROFILE_RELEASE_STRIP=none CARGO_PROFILE_RELEASE_DEBUG=1 \
        "$cargo" rustc --locked --release --lib --crate-type staticlib \
        -Zbuild-std=std,panic_unwind --target $target --target-dir "$work/target/$sanitizer" "$@"
}

# A fault of the control program, and whether it has to be found; notes what was found.
control() {
    local sanitizer=$1 number=$2 name=$3 expected=$4 found
    local report=$work/$sanitizer/control.log
    # shellcheck disable=SC2097,SC2098
    TSAN_OPTIONS="$(options thread)" ASAN_OPTIONS="$(options address)" \
        "$work/$sanitizer/control" "$number" >"$report" 2>&1 || true
    found=$(grep -c '^SUMMARY: ' "$report" || true)
    printf '%s\t%s\t%s\t%s\n' "$sanitizer" "$name" "$expected" "$found" >>"$work/control.tsv"
    if [ "$expected" = 0 ]; then
        [ "$found" -eq 0 ] || { cat "$report" >&2; fail "$sanitizer: reports a fault where there is none"; }
        grep -qx 4000 "$report" || { cat "$report" >&2; fail "$sanitizer: the control program does not run"; }
    else
        [ "$found" -gt 0 ] || fail "$sanitizer: does not find the fault made on purpose: $name"
    fi
}

options() {
    local common="exitcode=66:external_symbolizer_path=$toolchain/llvm-symbolizer"
    if [ "$1" = thread ]; then
        echo "$common:second_deadlock_stack=1:history_size=4:die_after_fork=0:suppressions=$PWD/tests/sanitize/thread.supp"
    else
        echo "$common:detect_leaks=1:detect_stack_use_after_return=1:strict_string_checks=1"
    fi
}

[ -d "$toolchain" ] || fetch_toolchain
scripts/install-packages.sh mosquitto openssl
: >"$work/control.tsv"
: >"$work/runs.tsv"

for sanitizer in $sanitizers; do
    lib=$work/$sanitizer
    mkdir -p "$lib"
    build "$sanitizer"
    build "$sanitizer" --manifest-path tests/sanitize/control/Cargo.toml
    archives=$work/target/$sanitizer/$target/release
    "$toolchain/clang" -fsanitize="$sanitizer" -shared -Wl,--version-script=mqttrs.map \
        -Wl,-Bsymbolic-functions -Wl,-soname,libmqttrs.so.0 -o "$lib/libmqttrs.so.0" \
        -Wl,--whole-archive "$archives/libmqttrs.a" -Wl,--no-whole-archive \
        -static-libgcc -lgcc_eh -lgcc -lpthread -ldl -lm -lc
    ln -sfn libmqttrs.so.0 "$lib/libmqttrs.so"
    "$toolchain/clang" -fsanitize="$sanitizer" -g -o "$lib/control" tests/sanitize/control.c \
        "$archives/libcontrol.a" -lpthread -ldl -lm

    control "$sanitizer" 0 "threads, mutexes and condition variables used rightly" 0
    if [ "$sanitizer" = thread ]; then
        control thread 1 "a counter that two threads change with nothing between them" 1
    else
        control address 2 "memory used after it was freed" 1
        control address 3 "memory read behind its end" 1
        control address 4 "memory that is never freed" 1
    fi

    MQTTRS_BUILD_DIR=$lib MQTTRS_SANITIZER=$sanitizer MQTTRS_SANITIZER_CC=$toolchain/clang \
        MQTTRS_SANITIZER_LOG=$work/runs.tsv MQTTRS_SANITIZER_OPTIONS=$(options "$sanitizer") \
        "$cargo" test --locked --no-fail-fast --test c --test shared_loop_programs --test fork \
        --test completion --test message_filters --test requests --test acknowledge -- \
        --test-threads=2 --skip ten_thousand || status=1
done

if [ "$sanitizers" = "thread address" ]; then
    python3 scripts/sanitize.py "$work/control.tsv" "$work/runs.tsv" >"$work/sanitize.json"
    [ "${status:-0}" -ne 0 ] || cp "$work/sanitize.json" docs/reliability/sanitize.json
fi
awk -F'\t' '{ runs++; reports += $4 } END { print runs + 0 " runs, " reports + 0 " reports" }' "$work/runs.tsv"
exit "${status:-0}"
