#!/bin/sh
# CPU time of the client process for a message, Debian's libmosquitto against ours, in
# one run: rounds in turn, medians, and the ratio. Needs libmosquitto-dev and a build
# (make dropin). Usage: scripts/bench.sh [ROUNDS [MESSAGES]]
set -eu
cd "$(dirname "$0")/.."
rounds=${1:-5}
messages=${2:-300000}
dropin=${MQTTRS_BUILD_DIR:-build}/dropin
work=$(mktemp -d)
server=
trap 'exec 3>&-; [ -z "$server" ] || wait "$server" 2>/dev/null || :; rm -rf "$work"' EXIT

[ -e "$dropin/libmosquitto.so.1" ] || { echo "bench: run 'make dropin' first" >&2; exit 1; }
cc -O2 benches/server.c -o "$work/server" -lpthread
cc -O2 benches/client.c -o "$work/client" -lmosquitto -lpthread

mkfifo "$work/in"
"$work/server" <"$work/in" >"$work/port" &
server=$!
exec 3>"$work/in" # the server ends when this closes
until [ -s "$work/port" ]; do kill -0 "$server"; done
port=$(cat "$work/port")

median() { sort -n "$1" | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

printf '%-22s %14s %14s %8s\n' "64 bytes, QoS 0" "libmosquitto" "libmqttrs" "ratio"
for mode in publish receive; do
	for round in $(seq "$rounds"); do
		"$work/client" "$mode" "$port" "$messages" >>"$work/theirs.$mode"
		LD_LIBRARY_PATH=$dropin "$work/client" "$mode" "$port" "$messages" >>"$work/ours.$mode"
	done
	theirs=$(median "$work/theirs.$mode")
	ours=$(median "$work/ours.$mode")
	printf '%-22s %11s ns %11s ns %8s\n' "$mode" "$theirs" "$ours" \
		"$(awk -v a="$theirs" -v b="$ours" 'BEGIN { printf "%.1f", a / b }')"
done
