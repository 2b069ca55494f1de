#!/bin/bash
# demo.sh: lets C programs talk through an embedded broker. `make demo` calls this once the
# libraries are built.
#
# Installs libmqttrs into a temporary folder, builds examples-c/ with its pkg-config file,
# starts the broker of examples/demo_broker on a free port of 127.0.0.1, and runs a
# subscriber, a publisher and a program with an event loop of its own. Prints the messages
# as they arrive, and ends by itself; the status is 0 only if every message came, once and
# in order. Leaves nothing behind: no file, no process.
set -euo pipefail
cd "$(dirname "$0")/.."

# How long anything here may take before it counts as failed; nothing waits this long else.
patience=60

fail() {
    echo "demo: $*" >&2
    exit 1
}

processes=()
folder=$(mktemp -d)
clean_up() {
    status=$?
    trap - EXIT
    for process in "${processes[@]}"; do
        kill "$process" 2>/dev/null || true
    done
    wait
    rm -rf "$folder"
    exit "$status"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

echo "== Installing libmqttrs into a temporary folder, building the examples with pkg-config"
command -v pkg-config >/dev/null || scripts/install-packages.sh pkg-config
prefix=$folder/installed
make --no-print-directory -s install \
    PREFIX="$prefix" LIBDIR="$prefix/lib" INCLUDEDIR="$prefix/include" DESTDIR= >"$folder/install.log" 2>&1 \
    || { cat "$folder/install.log" >&2; fail "make install failed"; }
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig
make --no-print-directory -s -C examples-c OUT="$folder" PACKAGE=mqttrs
for example in subscribe publish event_loop; do
    # No "ldd | grep -q": grep would leave early, and ldd fail for having nobody to write to.
    libraries=$(ldd "$folder/$example")
    [[ $libraries == *"$prefix/lib/libmqttrs.so"* ]] || fail "$example does not use libmqttrs"
done
echo "cc \$(pkg-config --cflags mqttrs) subscribe.c \$(pkg-config --libs mqttrs)"

"${CARGO:-cargo}" build --locked --quiet --example demo_broker --target-dir "${CARGO_TARGET_DIR:-target}"
broker=${CARGO_TARGET_DIR:-target}/debug/examples/demo_broker

# The broker runs until its standard input closes: descriptor 9 here, which the other
# programs must not inherit.
mkfifo "$folder/broker.in" "$folder/broker.out" "$folder/subscriber.out" "$folder/event_loop.out"
"$broker" --port 0 <"$folder/broker.in" >"$folder/broker.out" &
processes+=($!)
exec 9>"$folder/broker.in" 8<"$folder/broker.out"
read -r -t "$patience" port <&8 || fail "the broker did not start"
echo "== The broker listens on 127.0.0.1:$port"

# What is sent, and so what has to arrive: topic by topic in this order.
readings() {
    for number in 1 2 3 4 5; do
        echo "reading $number of the $1"
    done
}
total=10

timeout "$patience" "$folder/subscribe" 127.0.0.1 "$port" 'demo/#' "$total" \
    >"$folder/subscriber.out" 8<&- 9>&- &
subscriber=$!
processes+=("$subscriber")
exec 7<"$folder/subscriber.out"
read -r -t "$patience" line <&7 || fail "the subscriber said nothing"
[ "$line" = subscribed ] || fail "the subscriber said '$line'"
echo "== The subscriber has subscribed to demo/#; now the publisher and the event loop begin"

readings publisher | timeout "$patience" "$folder/publish" 127.0.0.1 "$port" demo/publisher 7<&- 8<&- 9>&- &
publisher=$!
readings "event loop" | timeout "$patience" "$folder/event_loop" 127.0.0.1 "$port" demo/event_loop \
    >"$folder/event_loop.out" 7<&- 8<&- 9>&- &
event_loop=$!
sed -u 's/^/event loop  <- /' <"$folder/event_loop.out" 7<&- 8<&- 9>&- &
printer=$!
processes+=("$publisher" "$event_loop" "$printer")

: >"$folder/received"
while read -r -t "$patience" line <&7; do
    echo "subscriber  <- $line"
    echo "$line" >>"$folder/received"
done

wait "$subscriber" || fail "the subscriber failed"
wait "$publisher" || fail "the publisher failed"
wait "$event_loop" || fail "the event loop failed"
wait "$printer"

# The two senders are independent: only each one's own messages have an order.
for sender in publisher event_loop; do
    sed -n "s|^demo/$sender ||p" "$folder/received" >"$folder/$sender.received"
    readings "${sender/_/ }" | diff - "$folder/$sender.received" \
        || fail "not what the $sender sent (< sent, > received)"
done
received=$(wc -l <"$folder/received")
[ "$received" -eq "$total" ] || fail "$received messages instead of $total"
echo "== All $total messages arrived, each once and in order"
