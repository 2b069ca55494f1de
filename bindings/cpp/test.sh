#!/bin/bash
# test.sh: the tests of the C++ headers, with the libraries in the folder MQTTRS_BUILD_DIR.
#
# Each test tells of itself on a line "ok: its name" or "FAILED: its name: why"; the last line counts
# them. Programs are built with AddressSanitizer and UndefinedBehaviorSanitizer.
# "test.sh values" runs a part: one of the functions below.
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

conversation() {
    # What needs the library with the feature "store" says on the other one that it is left out.
    local stored=messages_survive_in_a_store
    program conversation "${sanitizers[@]}" | grep -v "^skipped: $stored: "
    attempt "$stored" said_ok "$stored" env "LD_LIBRARY_PATH=$MQTTRS_BUILD_DIR/store" "$folder/conversation" "$stored"
}

# said_ok NAME COMMAND...: whether a program ends well and says that this test of its own did.
said_ok() {
    local name=$1 output
    shift
    output=$(timeout 60 "$@" 2>&1) && grep -qx "ok: $name" <<<"$output" || { echo "$output"; return 1; }
}

robustness() { program robustness "${sanitizers[@]}"; }

pp() { program pp "${sanitizers[@]}"; }

# Sanitizers keep memory back, and this one looks at how much is in use.
long_run() { program long_run -O1; }

# The headers alone, by each compiler and standard.
standards() {
    local compiler standard
    printf '#include <mosquittopp.h>\n#include <mqttrs.hpp>\n' >"$folder/both.cpp"
    printf '#include <mosquittopp.h>\n' >"$folder/old.cpp"
    for compiler in g++ clang++; do
        if ! command -v "$compiler" >/dev/null; then
            skipped "headers_compile_with_$compiler" "there is none"
            continue
        fi
        for standard in c++17 c++20 c++2b; do
            attempt "headers_compile_as_${standard}_with_$compiler" "$compiler" "-std=$standard" \
                "${warnings[@]}" -Wshadow -Wconversion -Wold-style-cast -Iinclude \
                -isystem ../../include -fsyntax-only "$folder/both.cpp"
        done
        # The headers of C have commas at the end of enumerations, which C++98 did not know.
        attempt "mosquittopp_h_compiles_as_c++98_with_$compiler" "$compiler" -std=c++98 \
            "${warnings[@]}" -Iinclude -isystem ../../include -fsyntax-only "$folder/old.cpp"
    done
    attempt "tests_compile_as_c++20" "$CXX" -std=c++20 "${warnings[@]}" "${includes[@]}" \
        -fsyntax-only tests/conversation.cpp
    attempt "designated_initialisers_work_in_c++20" "$CXX" -std=c++20 "${warnings[@]}" \
        "${includes[@]}" -fsyntax-only tests/designated.cpp
}

# libmosquittopp's interface: Debian's header, and the one here.
interface() {
    local theirs=/usr/include/mosquittopp.h
    attempt mosquittopp_h_declares_all_that_debians_does \
        tests/interface.py compare "$theirs" include/mosquittopp.h
    tests/interface.py program "$theirs" >"$folder/interface.cpp"
    # Debian's library lacks one of the functions that its header declares.
    attempt a_program_of_all_declarations_compiles_with_debians_header \
        "$CXX" -std=c++11 -Wall -Wextra -Werror -fsyntax-only "$folder/interface.cpp"
    attempt the_same_program_builds_with_mosquittopp_h "$CXX" -std=c++11 -Wall -Wextra -Werror \
        -Wno-address "${includes[@]}" "$folder/interface.cpp" "${library[@]}" -o "$folder/interface"
    attempt and_runs "$folder/interface"
}

# talk NAME FOLDER_OF_LIBRARIES: runs a program for libmosquittopp, and keeps what it says.
talk() {
    LD_LIBRARY_PATH=$2 timeout 60 "$folder/$1" "$port" "$tls_port" "$MQTTRS_TEST_CERTIFICATES" \
        >"$folder/$3.out" 2>"$folder/$3.err" || echo "status $?" >>"$folder/$3.out"
}

libmosquittopp() {
    . tests/broker.sh
    "$CXX" -std=c++98 -Wall -Wextra -Werror tests/pp_talk.cpp -o "$folder/talk_debian" \
        -lmosquittopp -lmosquitto
    "$CXX" -std=c++98 -Wall -Wextra -Werror -DHAS_SUBSCRIBE_CALLBACK "${sanitizers[@]}" \
        -Iinclude -isystem ../../include tests/pp_talk.cpp "${library[@]}" -o "$folder/talk_here"
    start_broker "$folder"
    talk talk_debian "" debian
    talk talk_debian "$MQTTRS_BUILD_DIR/dropin" dropin
    talk talk_here "" here
    stop_broker
    attempt a_program_for_libmosquittopp_ends_well_with_it grep -q '^words ' "$folder/debian.out"
    attempt it_says_the_same_on_the_dropin_library diff "$folder/debian.out" "$folder/dropin.out"
    attempt it_says_the_same_with_mosquittopp_h diff "$folder/debian.out" "$folder/here.out"
    attempt the_dropin_library_was_below_debians_libmosquittopp \
        grep -q "^library: $MQTTRS_BUILD_DIR/dropin/libmosquitto.so.1" "$folder/dropin.err"
    attempt debians_libmosquittopp_was_above_it \
        grep -q '^library: /.*/libmosquittopp.so' "$folder/dropin.err"
    attempt no_sanitizer_has_complained diff <(grep -v ^library: "$folder/here.err") /dev/null
}

quick_start() {
    . tests/broker.sh
    # The first block of code in README.md that is a program.
    awk '/^```cpp$/ && !done { on = 1; next } /^```$/ { if (on) done = 1; on = 0 } on' README.md \
        >"$folder/greet.cpp"
    attempt quick_start_builds "$CXX" -std=c++17 -Wall -Wextra -Werror "${includes[@]}" \
        "$folder/greet.cpp" "${library[@]}" -o "$folder/greet"
    start_broker "$folder"
    timeout 60 "$folder/greet" "$port" >"$folder/greet.out" 2>&1 || true
    stop_broker
    attempt quick_start_says_hello diff <(echo "greetings/world: hello") "$folder/greet.out"
}

example() {
    . tests/broker.sh
    local reading='^room/temperature [0-9][0-9.]*$' status=0 sub thermometer
    attempt example_builds "$CXX" -std=c++17 "${warnings[@]}" "${includes[@]}" \
        examples/thermometer.cpp "${library[@]}" -o "$folder/thermometer"
    start_broker "$folder"
    stdbuf -oL mosquitto_sub -d -v -p "$port" -t 'room/#' >"$folder/sub.out" 2>&1 &
    sub=$!
    await "$folder/sub.out" 'received SUBACK'
    "$folder/thermometer" "$port" 0.1 >"$folder/thermometer.out" 2>&1 &
    thermometer=$!
    attempt example_publishes_readings await "$folder/sub.out" "$reading"
    attempt example_answers_a_request await_answer "$port"
    kill -INT "$thermometer"
    wait "$thermometer" || status=$?
    attempt example_ends_when_it_is_interrupted test "$status" -eq 0
    attempt example_says_goodbye await "$folder/sub.out" '^room/thermometer off$'
    kill "$sub"
    wait "$sub" || true
    stop_broker
}

await_answer() {
    timeout 30 mosquitto_rr -V 5 -p "$1" -t room/temperature/now -e room/answer -m now |
        grep '^[0-9.]*$'
}

# All of these, or those that are named; two at a time, the long ones first. What they tell is shown
# when all are done.
jobs=(conversation robustness pp values standards long_run libmosquittopp interface example
    quick_start)
[ $# -eq 0 ] || jobs=("$@")
tests/certificates.sh "$MQTTRS_TEST_CERTIFICATES"
for job in "${jobs[@]}"; do
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
