#!/bin/bash
# test-static.sh: builds examples as programs that need no shared library, and lets them talk through
# Debian's Mosquitto. `make test-static` calls this, with the libraries built.
#
# With glibc always; with musl when `make musl` has been run before.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/packages/check.sh
: "${MQTTRS_BUILD_DIR:?is where the built libraries are; please use \"make test-static\"}"
scripts/install-packages.sh gcc libc6-dev binutils pkg-config mosquitto openssl >&2

folder=$(mktemp -d)
broker=
clean_up() {
    [ -z "$broker" ] || kill "$broker" 2>/dev/null || true
    rm -rf "$folder"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

# install_library PREFIX: what `make install` puts there.
install_library() {
    MAKEFLAGS='' make -s install BUILD="$MQTTRS_BUILD_DIR" PREFIX="$1" LIBDIR="$1/lib" INCLUDEDIR="$1/include" DESTDIR=
}

# compile COMPILER EXAMPLE LIBRARY... builds $folder/EXAMPLE, and keeps what the linker says.
compile() {
    local compiler=$1 example=$2
    shift 2
    "$compiler" -static -std=c99 -O2 -pthread -o "$folder/$example" "examples-c/$example.c" "$@" 2>"$folder/$example.warnings" ||
        { cat "$folder/$example.warnings"; return 1; }
}

# Names in the network are looked up by glibc, with shared libraries of its own where there are any;
# the linker says so, and nothing else.
warns_of_names_only() {
    cat "$folder/$1.warnings"
    [ "$(grep -c 'warning: ' "$folder/$1.warnings")" -eq "$(grep -c 'warning: Using .getaddrinfo. in statically linked applications' "$folder/$1.warnings")" ]
}

needs_no_shared_library() {
    readelf -ld "$folder/$1"
    readelf -ld "$folder/$1" >"$folder/elf"
    ! grep -qE '^ *(INTERP|DYNAMIC) ' "$folder/elf"
}

certificates() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost \
        -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout "$folder/key.pem" -out "$folder/certificate.pem" 2>/dev/null
    chmod 644 "$folder/key.pem"
    chmod 755 "$folder"
}

# Reads lines from descriptor $1 up to one that contains $2.
wait_for() {
    local line
    while IFS= read -r -t 30 -u "$1" line; do
        printf '%s\n' "$line"
        [[ $line != *"$2"* ]] || return 0
    done
    echo "never came: $2"
    return 1
}

# start_broker: on two free ports, `port` and `tls_port`. Chance finds them; where somebody else had
# the same, the broker ends, and others are taken.
start_broker() {
    local attempt
    for attempt in 1 2 3 4 5 6 7 8 9 10; do
        port=$((20000 + RANDOM % 10000)) tls_port=$((30000 + RANDOM % 2000))
        printf 'listener %s 127.0.0.1\nallow_anonymous true\nlistener %s 127.0.0.1\nallow_anonymous true\ncertfile %s\nkeyfile %s\n' \
            "$port" "$tls_port" "$folder/certificate.pem" "$folder/key.pem" >"$folder/mosquitto.conf"
        exec {said}< <(exec mosquitto -c "$folder/mosquitto.conf" 2>&1)
        broker=$!
        ! wait_for "$said" running >"$folder/broker.log" || return 0
    done
    cat "$folder/broker.log" >&2
    return 1
}

# talk HOST PUBLISHER...: a message goes from one static program to another.
talk() {
    exec {received}< <(exec "$folder/subscribe" "$1" "$port" greetings/world 2>&1)
    local subscriber=$!
    wait_for "$received" subscribed || return 1
    echo "hello from afar" | "${@:2}" || return 1
    wait_for "$received" "hello from afar" || return 1
    kill "$subscriber"
    exec {received}<&-
}

# try LIBC COMPILER LIBRARY...
try() {
    local libc=$1 compiler=$2 example
    shift 2
    for example in publish subscribe tls_publish; do
        check "$libc: $example links statically" compile "$compiler" "$example" "$@"
        check "$libc: $example needs no shared library" needs_no_shared_library "$example"
    done
    if [ "$libc" = glibc ]; then
        check "glibc: nothing is warned of but the look-up of names" warns_of_names_only publish
    fi
    check "$libc: static programs talk through a broker" \
        talk 127.0.0.1 "$folder/publish" 127.0.0.1 "$port" greetings/world
    check "$libc: static programs find a host by its name" \
        talk localhost "$folder/publish" localhost "$port" greetings/world
    check "$libc: a static program publishes over TLS" \
        talk localhost "$folder/tls_publish" localhost "$tls_port" greetings/world "$folder/certificate.pem"
}

run() {
    check "the library installs" install_library "$folder/installed"
    # The flags are several words.
    # shellcheck disable=SC2046
    try glibc "${CC:-cc}" $(PKG_CONFIG_PATH=$folder/installed/lib/pkgconfig pkg-config --static --cflags --libs mqttrs)
    if [ -e "$MQTTRS_BUILD_DIR/musl/libmqttrs.a" ]; then
        try musl musl-gcc -Iinclude "$MQTTRS_BUILD_DIR/musl/libmqttrs.a" "$MQTTRS_BUILD_DIR/musl/libunwind.a"
    else
        skipped "programs that are static with musl" "\`make musl\` was not run, which needs a toolchain for it"
    fi
}

certificates
start_broker
run 2>&1 | tee "$folder/test.log"
echo
summary static "$folder/test.log"
