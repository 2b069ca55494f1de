#!/bin/bash
# build-musl.sh: builds the static library for musl, in build/musl, and libunwind.a beside it.
#
# `make musl` calls this. It takes Rust's target for musl where that is installed
#     rustup target add x86_64-unknown-linux-musl
# and else compiles Rust's standard library from its sources, which needs a nightly toolchain with
#     rustup component add rust-src --toolchain nightly
# The C compiler is Debian's musl-gcc. GCC's unwinder in Debian is made for glibc and cannot be used,
# so a program needs LLVM's, which both of these bring along.
set -euo pipefail
cd "$(dirname "$0")/.."
target=$(uname -m)-unknown-linux-musl
out=build/musl

scripts/install-packages.sh musl-tools gcc g++
mkdir -p "$out"

# build CARGO [FLAG...]
build() {
    local cargo=$1
    shift
    env "CC_${target//-/_}=musl-gcc" "${MAKE:-make}" --no-print-directory "BUILD=$out" "TARGET=$target" CC=musl-gcc \
        "CARGO=$cargo" "CARGO_FLAGS=${CARGO_FLAGS:-} $*" "$out/libmqttrs.a"
}

# LLVM's libunwind, of C and a little C++ that needs no library for C++.
build_libunwind() {
    local sources=$1 objects
    objects=$(mktemp -d)
    local flags=(-Os -DNDEBUG -D_LIBUNWIND_IS_NATIVE_ONLY -fno-stack-protector -U_FORTIFY_SOURCE -I"$sources/include"
        -nostdinc -isystem "$(musl-gcc -print-file-name=include)" -isystem "/usr/include/$(uname -m)-linux-musl")
    g++ "${flags[@]}" -std=c++17 -fno-exceptions -fno-rtti -nostdinc++ -funwind-tables -c "$sources/src/libunwind.cpp" -o "$objects/libunwind.o"
    for name in UnwindLevel1 UnwindLevel1-gcc-ext; do
        gcc "${flags[@]}" -std=gnu99 -fexceptions -c "$sources/src/$name.c" -o "$objects/$name.o"
    done
    for name in UnwindRegistersRestore UnwindRegistersSave; do
        gcc "${flags[@]}" -c "$sources/src/$name.S" -o "$objects/$name.o"
    done
    rm -f "$out/libunwind.a"
    ar rcs "$out/libunwind.a" "$objects"/*.o
    rm -rf "$objects"
}

installed=$(rustc --print sysroot)/lib/rustlib/$target/lib/self-contained/libunwind.a
sources=$(rustc +nightly --print sysroot 2>/dev/null || true)/lib/rustlib/src/rust
if [ -e "$installed" ]; then
    build "${CARGO:-cargo}"
    cp "$installed" "$out/libunwind.a"
elif [ -e "$sources/library/std/Cargo.toml" ] && [ -d "$sources/src/llvm-project/libunwind" ]; then
    build "cargo +nightly" -Z build-std=std,panic_unwind
    build_libunwind "$sources/src/llvm-project/libunwind"
else
    sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0" >&2
    exit 1
fi
ls -l "$out"/*.a
