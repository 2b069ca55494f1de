#!/bin/bash
# test.sh: runs the tests of the gem, against brokers that they start themselves.
# MQTTRS_BUILD_DIR is where the built libraries are. "test.sh test/test_fibers.rb" runs one file,
# and TESTOPTS has options for minitest: TESTOPTS="-v -n /fork/".
set -euo pipefail

: "${MQTTRS_BUILD_DIR:?is where the built libraries are; please use \"make test-ruby\"}"
MQTTRS_BUILD_DIR=$(cd "$MQTTRS_BUILD_DIR" && pwd)
cd "$(dirname "$0")"
../../scripts/install-packages.sh ruby ruby-ffi ruby-minitest mosquitto >&2

export MQTTRS_BUILD_DIR
export MQTTRS_LIBRARY=$MQTTRS_BUILD_DIR/libmqttrs.so
if [ $# -eq 0 ]; then
    set -- test/test_*.rb
fi
exec ruby -w -Ilib -Itest -e 'ARGV.each { |file| require File.expand_path(file) }; ARGV.replace(ENV.fetch("TESTOPTS", "").split)' "$@" </dev/null
