#!/bin/sh
# fill-in.sh TEMPLATE OUTPUT NAME=VALUE...
# Writes TEMPLATE to OUTPUT with each @NAME@ replaced by its VALUE.
set -eu

template=$1
output=$2
shift 2

set -- "$@" --
script=
while [ "$1" != -- ]; do
    # What sed would take for its own in a replacement.
    value=$(printf '%s' "${1#*=}" | sed 's/[\\&|]/\\&/g')
    script="$script
s|@${1%%=*}@|$value|g"
    shift
done

sed "$script" "$template" >"$output"
chmod 644 "$output"

if grep -n '@[A-Z]*@' "$output" >&2; then
    echo "$output: a name was left without a value" >&2
    exit 1
fi
