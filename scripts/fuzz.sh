#!/bin/bash
# Runs each fuzzer's target for SECONDS_EACH seconds, one after the other, and prints a table:
# CPU seconds, executions, what of the code was reached, finds. `make fuzz` calls this. Each round
# adds a line to fuzz/hours.tsv. It ends with 1 where something was found; what made it happen is
# then in fuzz/artifacts/TARGET/.
set -euo pipefail

cd "$(dirname "$0")/.."
cargo=${CARGO:-cargo}

if ! "$cargo" +nightly fuzz --version >/dev/null 2>&1; then
    echo "It takes a nightly toolchain and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz" >&2
    exit 2
fi

targets=${TARGETS:-$(cd fuzz/fuzz_targets && ls -- *.rs | sed 's/\.rs$//')}
(cd fuzz && "$cargo" +nightly fuzz build)
host=$(rustc -vV | sed -n 's/^host: //p')
programs=$(cd fuzz && cd "${CARGO_TARGET_DIR:-target}/$host/release" && pwd)

finds=0
rows=
for target in $targets; do
    echo "$target: ${SECONDS_EACH:-60} s"
    if row=$(scripts/fuzz-round.sh "$target" "$programs/$target"); then
        found=-
    else
        finds=$((finds + 1))
        found="yes, see fuzz/artifacts/$target.log"
        tail -n 40 "fuzz/artifacts/$target.log"
    fi
    IFS=$'\t' read -r name cpu runs edges features _ <<<"$row"
    rows+=$(printf '%-14s %8s %12s %8s %10s  %s' "$name" "$cpu" "$runs" "$edges" "$features" "$found")$'\n'
done

echo
printf '%-14s %8s %12s %8s %10s  %s\n' target 'CPU s' executions edges features finds
printf '%s' "$rows"
echo "$finds finds"
if [ -e fuzz/coverage.tsv ]; then python3 -B scripts/fuzz_report.py; fi
[ "$finds" -eq 0 ]
