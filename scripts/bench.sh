#!/bin/sh
# CPU time of the client process for a message, and more: Debian's libmosquitto, ours, Paho
# C, rumqttc and a bare socket, interleaved. Needs a build (make dropin) and the packages
# that `make bench` installs.
#
#   scripts/bench.sh [CASE...]     all cases, or these; e.g. pub-q0 rcv-q1-w20
#   ROUNDS=n                       instead of 5
#   PEERS="debian ours"            only these, of: debian ours paho rumqttc floor
#
# benches/cases.py has the cases and their targets. All of them with all peers write
# docs/performance.md; the figures of a run are in build/bench/results.json besides. Ends
# with 1 when our library lost, doubled or mixed up a message.
set -eu
cd "$(dirname "$0")/.."
exec python3 -B benches/run.py "$@"
