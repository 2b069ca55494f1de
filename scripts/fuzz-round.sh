#!/bin/bash
# One round of one fuzzer: fuzz-round.sh TARGET PROGRAM. Fuzzes for SECONDS_EACH seconds and adds
# a line to fuzz/hours.tsv: target, CPU seconds, executions, edges, features, finds. Ends with 1
# where something was found; fuzz/artifacts/TARGET.log has the fuzzer's words.
#
# TIMEOUT: how many seconds an input may take (10). What allocates without end is a find as well.
set -uo pipefail

target=$1
program=$2
shift 2
cd "$(dirname "$0")/../fuzz" || exit 2
mkdir -p "corpus/$target" "artifacts/$target"
log=artifacts/$target.log
times=$(mktemp)
trap 'rm -f "$times"' EXIT

TIMEFORMAT='%U %S'
{ time "$program" "corpus/$target" "seeds/$target" -max_total_time="${SECONDS_EACH:-60}" \
    -timeout="${TIMEOUT:-10}" -rss_limit_mb=2048 -print_final_stats=1 \
    -artifact_prefix="artifacts/$target/" "$@" >"$log" 2>&1; } 2>"$times"
status=$?
# 72: somebody interrupted it.
found=0
[ "$status" -eq 0 ] || [ "$status" -eq 72 ] || found=1

cpu=$(awk '{ print int($1 + $2 + 0.5) }' "$times")
runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
read -r edges features <<<"$(sed -n 's/.* cov: \([0-9]*\) ft: \([0-9]*\) .*/\1 \2/p' "$log" | tail -n 1)"
printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$target" "$cpu" "${runs:-0}" "${edges:-0}" "${features:-0}" \
    "$found" | tee -a hours.tsv
exit "$found"
