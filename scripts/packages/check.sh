# check.sh, sourced: how the tests of packages are told and counted.
#
# check NAME COMMAND...   runs the command; says "ok: NAME", or "FAILED: NAME" and what it printed
# skipped NAME WHY        says that it cannot be run here, and why
# summary NAME LOG        counts these lines in a log, and is false if one failed or none passed

check() {
    local name=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "ok: $name"
    else
        echo "FAILED: $name"
        printf '%s\n' "$output" | sed 's/^/    /'
    fi
}

skipped() {
    echo "skipped: $1: $2"
}

summary() {
    local passed failed without
    passed=$(grep -c '^ok: ' "$2" || true)
    failed=$(grep -c '^FAILED: ' "$2" || true)
    without=$(grep -c '^skipped: ' "$2" || true)
    echo "$1: $passed passed, $failed failed, $without skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
}
