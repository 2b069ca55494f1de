#!/bin/bash
# test.sh: the tests of the Go binding, against the library in the folder MQTTRS_BUILD_DIR.
#
# With the race detector and the strict check of what goes over the border to C; then formatting and vet.
set -euo pipefail
: "${MQTTRS_BUILD_DIR:?is where the built libraries are; please use \"make test-go\"}"
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
build=$(cd "$MQTTRS_BUILD_DIR" && pwd)

"$top/scripts/install-packages.sh" golang-go gcc libc6-dev binutils pkg-config mosquitto

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

export PKG_CONFIG_PATH=$work CGO_ENABLED=1 GO111MODULE=on GOPROXY=off GOFLAGS= GOWORK=off
export GOCACHE=$build/go-cache GOPATH=$work/gopath
# Go does not notice changes of what pkg-config and headers say, but of these variables it does.
headers=$(cat "$top"/include/*.h | cksum)
export CGO_CFLAGS="-O2 -g -Wall -Wextra -Werror -Wno-unused-parameter -DMQTTRS_HEADERS=${headers%% *}"
cd "$here"

passed=0 failed=0 skipped=0
check() { # NAME COMMAND...: one test, that says nothing when it passes
    local name=$1
    shift
    if output=$("$@" 2>&1) && [ -z "$output" ]; then
        echo "ok: $name"
        passed=$((passed + 1))
    else
        echo "FAILED: $name"
        echo "$output"
        failed=$((failed + 1))
    fi
}
run() { # NAME COMMAND...: go test -v, counted
    local name=$1
    shift
    "$@" >"$work/output" 2>&1 || true
    grep -E '^( *--- (FAIL|SKIP)|panic|fatal|WARNING: DATA RACE|    .*_test.go:|FAIL)' "$work/output" | sed 's/^ *--- SKIP: \([^ ]*\).*/skipped: \1/' || true
    local ok bad missed
    ok=$(grep -c '^--- PASS' "$work/output" || true)
    bad=$(grep -c '^--- FAIL' "$work/output" || true)
    missed=$(grep -c '^--- SKIP' "$work/output" || true)
    if [ "$bad" = 0 ] && ! grep -q '^ok' "$work/output"; then
        echo "FAILED: $name: it did not come to its end"
        tail -n 60 "$work/output"
        bad=1
    fi
    echo "$name: $ok passed"
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + missed))
}

# pc FOLDER: the library in that folder, as if it were installed.
pc() {
    cat >"$work/mqttrs.pc" <<EOF
Name: mqttrs
Description: the library of this folder
Version: 0.1.0
Libs: -L$1 -Wl,-rpath,$1 -lmqttrs
Cflags: -I$top/include
EOF
    export CGO_LDFLAGS="-L$1 -Wl,-rpath,$1"
}

check "gofmt has nothing to say" gofmt -l .
pc "$build"
check "go vet has nothing to say" go vet ./...
run "with the race detector and cgocheck=2" env GODEBUG=cgocheck=2 go test -count=1 -timeout 300s -race -v .
run "without them, for the memory" go test -count=1 -timeout 200s -v -run 'Leaves?NothingBehind' .

pc "$build/store"
run "with the library that has a store" env MQTTRS_TEST_STORE=1 go test -count=1 -timeout 100s -v -run 'Store|Errno' .

echo "go: $passed passed, $failed failed, $skipped skipped"
[ "$failed" = 0 ]
