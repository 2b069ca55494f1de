#!/bin/bash
# test.sh [pytest's arguments]: builds a wheel with the library of MQTTRS_BUILD_DIR inside, installs
# it into an environment of its own, and runs the tests there. Leaves nothing behind.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$here/../.." && pwd)
: "${MQTTRS_BUILD_DIR:=$repository/build}"
export MQTTRS_BUILD_DIR

"$repository/scripts/install-packages.sh" binutils gcc libc6-dev mosquitto openssl pkg-config python3 \
    python3-dev python3-pip python3-pytest python3-pytest-xdist python3-setuptools python3-uvloop python3-venv python3-wheel

work=$(mktemp -d "$MQTTRS_BUILD_DIR/python.XXXXXX")
trap 'rm -rf "$work"' EXIT
python=/usr/bin/python3
pip() {
    "$python" -m pip --disable-pip-version-check -q --no-input "$@"
}

# A copy, since building leaves files beside the sources and two runs may do so at once.
mkdir "$work/source"
cp -r "$here"/{README.md,pyproject.toml,setup.py,mqttrs} "$work/source"
find "$work/source" -name '*.so' -delete
export MQTTRS_INCLUDE_DIR=$repository/include
pip wheel --no-build-isolation --no-index --no-deps -w "$work/wheels" "$work/source"
wheel=$(ls "$work"/wheels/*.whl)
export MQTTRS_WHEEL=$wheel

# Debian's pytest, and our package from the wheel.
"$python" -m venv --without-pip --system-site-packages "$work/venv"
pip --python "$work/venv/bin/python" install --no-index --no-deps "$wheel"

# What we are compared with. Without the network these tests say that they are skipped.
if pip install --no-deps --target "$work/paho" paho-mqtt==2.2.0 2>"$work/pip.log"; then
    export MQTTRS_PAHO=$work/paho
else
    echo "paho-mqtt cannot be had: $(tail -n 1 "$work/pip.log")"
fi

export MQTTRS_COUNTS=$work/counts PYTHONDONTWRITEBYTECODE=1
status=0
cd "$work"
# -s would mix output with the account; a test that hangs shows where.
timeout --kill-after=10 600 "$work/venv/bin/python" -X faulthandler -m pytest -q -p no:cacheprovider -n 2 --dist loadfile \
    --basetemp="$work/tests" "$here/tests" "$@" </dev/null || status=$?
if [ -f "$MQTTRS_COUNTS" ]; then
    echo "python: $(cat "$MQTTRS_COUNTS")"
fi
exit "$status"
