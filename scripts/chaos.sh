#!/bin/sh
# The long form of tests/chaos.rs, which `make chaos` calls, with libraries without and
# with the store in MQTTRS_BUILD_DIR: FAULTS= faults, chosen by SEED=. It writes docs/reliability/chaos.json and
# docs/reliability.md when every test has passed.
#
# MQTTRS_CHAOS_LOG=FOLDER keeps every packet that programs and brokers log, for one test at best.
set -eu
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MQTTRS_CHAOS_ROWS="$work/rows.tsv"
export MQTTRS_CHAOS_FAULTS="${FAULTS:-2000}"
export MQTTRS_CHAOS_SEED="${SEED:-1}"

"${CARGO:-cargo}" test --locked --test chaos -- --nocapture --test-threads 4
python3 -B scripts/chaos.py "$MQTTRS_CHAOS_ROWS" "$MQTTRS_CHAOS_FAULTS" "$MQTTRS_CHAOS_SEED"
python3 -B scripts/pages.py
