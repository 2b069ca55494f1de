#!/bin/bash
# test-binding.sh NAME: runs the tests of bindings/NAME.
#
# They are what bindings/NAME/test.sh runs. Its last line has to be
#   NAME: 12 passed, 0 failed, 0 skipped
# A test that cannot run on this machine says so on a line "skipped: its name: why".
set -euo pipefail

: "${MQTTRS_BUILD_DIR:?is where the built libraries are; please use \"make test-NAME\"}"
export MQTTRS_BUILD_DIR
name=$1
log=$MQTTRS_BUILD_DIR/test-$name.log

status=0
"$(dirname "$0")/../bindings/$name/test.sh" 2>&1 </dev/null | tee "$log" || status=$?
summary=$(grep -E "^$name: [0-9]+ passed, [0-9]+ failed, [0-9]+ skipped\$" "$log" | tail -n 1 || true)
case "$summary" in
    '')
        echo "$name: the tests were not run to their end"
        exit 1
        ;;
    "$name: 0 passed,"*)
        echo "$name: no test was run"
        exit 1
        ;;
    *", 0 failed, "*) exit "$status" ;;
    *) exit 1 ;;
esac
