#!/bin/bash
# Installs brokers, as far as that can be done here, and runs the
# interoperability scenarios against each. `make interop` calls this.
#
# What is not a Debian package goes into a folder of its own (build/interop,
# or MQTTRS_INTEROP_DIR), and nothing is started that outlives this command. A
# broker that cannot be installed is left out, with the reason.
set -euo pipefail
cd "$(dirname "$0")/.."

export MQTTRS_INTEROP_DIR=${MQTTRS_INTEROP_DIR:-$PWD/build/interop}
here=$MQTTRS_INTEROP_DIR
cargo=${CARGO:-cargo}
rm -rf "$here/unavailable"
mkdir -p "$here/unavailable" "$here/logs"

# install NAME COMMAND...: what goes wrong becomes the reason for leaving it out.
install() {
    local name=$1 log=$here/logs/$1.log
    shift
    if "$@" >"$log" 2>&1; then
        return
    fi
    echo "$name cannot be installed; the whole story is in $log:"
    tail -n 5 "$log"
    echo "its installation failed: $(grep -v '^ *$' "$log" | tail -n 1)" >"$here/unavailable/$name"
}

# debian PACKAGE...: installs these, and leaves no service behind.
debian() {
    local package
    for package; do
        if ! dpkg-query --show --showformat='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed; then
            scripts/install-packages.sh "$package" || return 1
            stop_service "$package" || return 1
        fi
    done
}

# A broker that a new package brought to life is not wanted as a service.
stop_service() {
    local as_root=
    [ "$(id -u)" -eq 0 ] || as_root=sudo
    if [ -d /run/systemd/system ] && [ -e "/lib/systemd/system/$1.service" ]; then
        $as_root systemctl disable --now "$1.service"
    elif [ -x "/etc/init.d/$1" ]; then
        $as_root "/etc/init.d/$1" stop || true
    fi
}

aedes() {
    command -v node || debian nodejs || return 1
    command -v npm || debian npm || return 1
    if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)'; then
        echo "aedes needs Node.js 20 or newer, this is $(node --version)"
        return 1
    fi
    mkdir -p "$here/aedes"
    cp interop/aedes/* "$here/aedes/"
    (cd "$here/aedes" && npm ci --no-audit --no-fund)
}

rumqttd() {
    "$cargo" build --locked --manifest-path interop/rumqttd/Cargo.toml --target-dir "$here/rumqttd"
}

install Mosquitto debian mosquitto
install RabbitMQ debian rabbitmq-server
install NATS debian nats-server
install aedes aedes
install rumqttd rumqttd

"$cargo" run --locked --quiet --example interop
