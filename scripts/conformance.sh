#!/bin/bash
# Runs the conformance tests and counts what they proved. `make conformance`
# calls this.
#
# A statement counts when a test that passed got as far as its `proves!`: the
# tests write each proof that held into a log, and cargo's output says which
# tests passed. Every proof that docs/conformance.md names has to be there.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The output is read below.
export CARGO_TERM_COLOR=never
export MQTTRS_CONFORMANCE_LOG=$work/proofs.log
: >"$MQTTRS_CONFORMANCE_LOG"

tests=(--test conformance --test conformance_v31)
for file in $(grep -l 'proves!(V' tests/*.rs); do
    name=$(basename "$file" .rs)
    if [ "$name" != conformance ]; then
        tests+=(--test "$name")
    fi
done

status=0
"${CARGO:-cargo}" test --locked --no-fail-fast "${tests[@]}" 2>&1 | tee "$work/tests.log" || status=$?

# version, statement and test (file::name) of each proof by a test that passed
awk -F'\t' -v OFS='\t' '
    FILENAME == ARGV[1] {
        if (match($0, /Running tests\/[a-z0-9_]+\.rs/))
            file = substr($0, RSTART + 14, RLENGTH - 17)
        else if (match($0, /^test .* \.\.\. ok$/))
            passed[file "::" substr($0, 6, length($0) - 12)] = 1
        next
    }
    {
        test = $4
        sub(/.*tests\//, "", test)
        sub(/\.rs$/, "", test)
        test = test "::" $3
        if (test in passed) print $1, $2, test
    }' "$work/tests.log" "$MQTTRS_CONFORMANCE_LOG" | sort -u >"$work/proven"

# The same, as the document promises it.
awk -v OFS='\t' '
    /^## MQTT / { version = $3 }
    /^\| MQTT-/ {
        line = $0
        while (match(line, /`[a-z0-9_]+::[a-zA-Z0-9_:]+`/)) {
            print version, $2, substr(line, RSTART + 1, RLENGTH - 2)
            line = substr(line, RSTART + RLENGTH)
        }
    }' docs/conformance.md | sort -u >"$work/promised"

echo
missing=$(comm -13 "$work/proven" "$work/promised")
if [ -n "$missing" ]; then
    echo "Promised in docs/conformance.md and not proven in this run:"
    echo "$missing"
    status=1
fi

# What is left unproven, and the verdict in the last two lines.
awk -F'\t' -v failed="$status" '
    FILENAME == ARGV[1] { proven[$1, $2] = 1; next }
    FNR == 1 || $3 == "server" { next }
    {
        bind++
        if (($1, $2) in proven) count++
        else if ($5 != "") { untestable++; names = names ", " $2 " (" $1 ")" }
        else print "Not proven: " $2 " of MQTT " $1 ", " $4
    }
    END {
        print "Untestable in this client: " (names == "" ? "none" : substr(names, 3))
        printf "%d statements bind a client, %d proven\n", bind, count
        exit failed != 0 || count != bind - untestable
    }' "$work/proven" conformance/statements.tsv
