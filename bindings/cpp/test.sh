#!/bin/bash
# test.sh: the tests of the C++ headers, with the libraries in the folder MQTTRS_BUILD_DIR.
#
# Each test tells of itself on a line "ok: its name" or "FAILED: its name: why"; the last line counts
# them. Programs are built with AddressSanitizer and UndefinedBehaviorSanitizer.
set -euo pipefail

: "${MQTTRS_BUILD_DIR:?is where the built libraries are; please use \"make test-cpp\"}"
cd "$(dirname "$0")"
../../scripts/install-packages.sh g++ clang libc6-dev libmosquitto1 libmosquitto-dev \
    libmosquittopp1 libmosquittopp-dev mosquitto mosquitto-clients openssl python3

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
results=$folder/results
export MQTTRS_TEST_CERTIFICATES=$folder/certificates
mkdir "$results" "$MQTTRS_TEST_CERTIFICATES"
chmod a+x "$folder"

CXX=${CXX:-g++}
warnings=(-Wall -Wextra -Wpedantic -Werror)
includes=(-Iinclude -I../../include)
sanitizers=(-g -fsanitize=address,undefined -fno-sanitize-recover=undefined)
library=("-L$MQTTRS_BUILD_DIR" -lmqttrs "-Wl,-rpath,$MQTTRS_BUILD_DIR" -pthread)

ok() { echo "ok: $1"; }
failed() { echo "FAILED: $1: $2"; }
skipped() { echo "skipped: $1: $2"; }

# attempt NAME COMMAND...: a test that is one command.
attempt() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        ok "$name"
    else
        failed "$name" "$(tail -n 20 <<<"$output")"
    fi
}

# program NAME FLAGS...: builds tests/NAME.cpp and runs its tests.
program() {
    local name=$1
    shift
    if ! "$CXX" -std=c++17 -O0 "${warnings[@]}" "${includes[@]}" "$@" "tests/$name.cpp" \
        "${library[@]}" -o "$folder/$name" 2>&1; then
        failed "$name" "does not build"
        return
    fi
    local status=0
    timeout 120 "$folder/$name" 2>"$folder/$name.err" || status=$?
    # A sanitizer ends a program after its tests, or before.
    if [ "$status" -ne 0 ]; then
        failed "$name" "ended with status $status"
        tail -n 60 "$folder/$name.err"
    fi
}

values() {
    "$CXX" -std=c++17 -O0 -fno-exceptions "${warnings[@]}" "${includes[@]}" "${sanitizers[@]}" \
        -c tests/no_exceptions.cpp -o "$folder/no_exceptions.o" ||
        failed no_exceptions "does not build"
    program values "${sanitizers[@]}" "$folder/no_exceptions.o"
}

conversation() { program conversation "${sanitizers[@]}"; }

robustness() { program robustness "${sanitizers[@]}"; }

# Two at a time, the long ones first; what they tell is shown when all are done.
tests/certificates.sh "$MQTTRS_TEST_CERTIFICATES"
for job in conversation robustness values; do
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
        wait -n || true
    done
    { "$job" || failed "$job" "ended early"; } >"$results/$job" 2>&1 &
done
wait
cat "$results"/*

count() { cat "$results"/* | grep -c "^$1: " || true; }
failures=$(count FAILED)
echo "cpp: $(count ok) passed, $failures failed, $(count skipped) skipped"
[ "$failures" -eq 0 ]
