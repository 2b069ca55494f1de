#!/bin/bash
# Runs every test and prints one summary. `make test` calls this, with the
# libraries built and MQTTRS_BUILD_DIR telling where they are.
set -euo pipefail

: "${MQTTRS_BUILD_DIR:?is where the built libraries are; please use \"make test\"}"
export MQTTRS_BUILD_DIR

log=$MQTTRS_BUILD_DIR/test.log
status=0
root=$(dirname "$0")/..
"${CARGO:-cargo}" test --locked --no-fail-fast "$@" 2>&1 | tee "$log" || status=$?

# Each test binary closes with a line such as
#   test result: ok. 12 passed; 0 failed; 0 ignored; ...
# A test that cannot be run on this machine passes there, and says on a line of its own
#   skipped: its name: why
read -r passed failed ignored < <(awk '
    /^test result: / {
        for (i = 2; i <= NF; i++) {
            if ($i == "passed;") passed += $(i - 1)
            if ($i == "failed;") failed += $(i - 1)
            if ($i == "ignored;") ignored += $(i - 1)
        }
    }
    /^skipped: / { passed--; ignored++ }
    END { print passed + 0, failed + 0, ignored + 0 }' "$log")

for tests in "$root"/bindings/*/test.sh; do
    [ -x "$tests" ] || continue
    name=$(basename "$(dirname "$tests")")
    echo
    echo "The tests of bindings/$name"
    "$root/scripts/test-binding.sh" "$name" || status=1
    read -r its_passed its_failed its_skipped < <(sed -n "s/^$name: \([0-9]*\) passed, \([0-9]*\) failed, \([0-9]*\) skipped\$/\1 \2 \3/p" \
        "$MQTTRS_BUILD_DIR/test-$name.log" | tail -n 1 | grep . || echo 0 0 0)
    passed=$((passed + its_passed)) failed=$((failed + its_failed)) ignored=$((ignored + its_skipped))
    grep -E '^skipped: ' "$MQTTRS_BUILD_DIR/test-$name.log" >>"$log" || true
done

echo
echo "All tests of libmqttrs (the whole log: $log)"
grep -E '^test .* \.\.\. FAILED$' "$log" | sort -u || true
grep -E '^skipped: ' "$log" | sort -u || true
if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
    echo "Not all tests could be built or run to their end; see above."
fi
if [ "$status" -eq 0 ] && [ "$passed" -eq 0 ]; then
    echo "No test was run."
    status=1
fi
echo "$passed passed, $failed failed, $ignored skipped"
exit "$status"
