# To be sourced: brokers for tests that are commands.

# start_broker FOLDER: starts a Mosquitto with a plain listener and one with TLS, whose files are in
# FOLDER. Sets broker, port and tls_port.
start_broker() {
    local folder=$1 attempt log config
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + RANDOM % 10000)) tls_port=$((port - 10000))
        log=$folder/broker.$BASHPID.$attempt.log config=$folder/broker.$BASHPID.conf
        cat >"$config" <<END
allow_anonymous true
set_tcp_nodelay true
log_dest stderr
log_type all
listener $port 127.0.0.1
listener $tls_port 127.0.0.1
cafile $MQTTRS_TEST_CERTIFICATES/ca.crt
certfile $MQTTRS_TEST_CERTIFICATES/server.crt
keyfile $MQTTRS_TEST_CERTIFICATES/server.key
require_certificate true
END
        : >"$log"
        PATH=$PATH:/usr/sbin mosquitto -c "$config" >"$log" 2>&1 &
        broker=$!
        # It does not outlive the tests, however these end.
        trap 'kill "$broker" 2>/dev/null || true' EXIT
        # Somebody else may be quicker to take a port.
        while kill -0 "$broker" 2>/dev/null; do
            if grep -q ' running' "$log"; then
                return 0
            fi
            sleep 0.02
        done
    done
    echo "mosquitto does not start: $(cat "$log")"
    return 1
}

stop_broker() {
    trap - EXIT
    kill "$broker" && wait "$broker" || true
}

# await FILE TEXT: until a line of the file has the text, for at most 30 seconds.
await() {
    local tries
    for tries in $(seq 1500); do
        if grep -q -- "$2" "$1" 2>/dev/null; then
            return 0
        fi
        sleep 0.02
    done
    echo "no \"$2\" in $1: $(cat "$1")"
    return 1
}
