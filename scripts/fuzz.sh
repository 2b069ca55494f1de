#!/bin/bash
# Runs each fuzzer's target for SECONDS_EACH seconds, one after the other, and prints a table:
# executions, what of the code was reached, finds. `make fuzz` calls this. It ends with 1 where
# something was found; what made it happen is then in fuzz/artifacts/TARGET/.
set -euo pipefail

seconds=${SECONDS_EACH:-60}
root=$(cd "$(dirname "$0")/.." && pwd)
cargo=${CARGO:-cargo}
cd "$root/fuzz"

if ! "$cargo" +nightly fuzz --version >/dev/null 2>&1; then
    echo "It takes a nightly toolchain and cargo-fuzz: rustup toolchain install nightly && cargo install cargo-fuzz" >&2
    exit 2
fi

all=$(cd fuzz_targets && ls -- *.rs | sed 's/\.rs$//')
targets=${TARGETS:-$all}
"$cargo" +nightly fuzz build
host=$(rustc -vV | sed -n 's/^host: //p')
programs=${CARGO_TARGET_DIR:-target}/$host/release

finds=0
rows=
for target in $targets; do
    seeds=seeds/$target
    mkdir -p "corpus/$target" "artifacts/$target"
    log=artifacts/$target.log
    echo "$target: $seconds s"
    status=0
    # What allocates without end is a find as well, and so is an input that takes 10 s.
    "$programs/$target" "corpus/$target" "$seeds" -max_total_time="$seconds" -timeout=10 \
        -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="artifacts/$target/" \
        >"$log" 2>&1 || status=$?
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    reached=$(sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 \2/p' "$log" | tail -n 1)
    found=-
    if [ "$status" -ne 0 ]; then
        finds=$((finds + 1))
        found="yes, see fuzz/$log"
        tail -n 40 "$log"
    fi
    rows+=$(printf '%-14s %12s %8s %10s  %s' "$target" "${runs:-?}" ${reached:-? ?} "$found")$'\n'
done

echo
printf '%-14s %12s %8s %10s  %s\n' target executions edges features finds
printf '%s' "$rows"
echo "$finds finds"
[ "$finds" -eq 0 ]
