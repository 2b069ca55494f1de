#!/bin/bash
# Which lines the fuzzers' seeds and corpora reach: runs each target's case over them, without
# the fuzzer, in a build that counts, and writes fuzz/coverage.tsv: file, lines, lines reached,
# functions, functions reached; then docs/reliability/fuzz.json. Prints the same for what reads bytes of the network; SHOW=1 adds
# the lines there that nothing reaches. `make fuzz-coverage` calls this.
set -euo pipefail

cargo=${CARGO:-cargo}
cd "$(dirname "$0")/.."
tools=$(rustc +nightly --print target-libdir)/../bin
if [ ! -x "$tools/llvm-cov" ]; then
    echo "It takes a nightly toolchain and its tools: rustup component add llvm-tools --toolchain nightly" >&2
    exit 2
fi

host=$(rustc -vV | sed -n "s/^host: //p")
out=fuzz/target/coverage
mkdir -p "$out"
rm -f "$out"/*.profraw
# In the way of the fuzzers' builds, so that entries which exist for these are there.
export CARGO_TARGET_DIR=$out CARGO_INCREMENTAL=0
export RUSTFLAGS="-C instrument-coverage --cfg fuzzing"
program=$("$cargo" +nightly test --locked --features store --test fuzz_seeds --no-run --target "$host" \
    --message-format=json-render-diagnostics | sed -n 's/.*"executable":"\([^"]*fuzz_seeds[^"]*\)".*/\1/p' | tail -n 1)

LLVM_PROFILE_FILE="$out/%m.profraw" MQTTRS_FUZZ_CORPUS=fuzz/corpus "$program" --quiet
"$tools/llvm-profdata" merge --sparse "$out"/*.profraw -o "$out/all.profdata"
"$tools/llvm-cov" export --summary-only --instr-profile="$out/all.profdata" "$program" \
    >"$out/summary.json"
python3 -B scripts/fuzz_coverage.py "$out/summary.json" "$PWD/src" fuzz/coverage.tsv
python3 -B scripts/fuzz_report.py

if [ -n "${SHOW:-}" ]; then
    "$tools/llvm-cov" show --instr-profile="$out/all.profdata" "$program" \
        $(python3 -B scripts/fuzz_coverage.py --files) |
        awk '/^\/.*:$/ { file = $0 } /^ *[0-9]+\| +0\|/ { if (file) print file; file = ""; print }'
fi
