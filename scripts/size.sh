#!/bin/sh
# Builds the shared library with different features, into a folder of its own, and prints a
# table of the sizes, in bytes, of what is left of each after `strip`.
#
#   scripts/size.sh                all of them
#   scripts/size.sh ring aws-lc-rs  these sets of features; `-` is for none
set -eu
cd "$(dirname "$0")/.."
folder=build/size
mkdir -p "$folder"

if [ $# = 0 ]; then
    set -- - websocket srv ring ring,websocket default
fi

echo '| features | size |'
echo '|---|---|'
for features; do
    case $features in
    -) flags=--no-default-features what=none ;;
    default) flags= what='all defaults' ;;
    *) flags="--no-default-features --features $features" what="\`$(echo "$features" | sed 's/,/`, `/g')\`" ;;
    esac
    library=$folder/$features/libmqttrs.so.0
    make --silent "BUILD=$folder/$features" "CARGO_TARGET_DIR=$folder/target" \
        "CARGO_FLAGS=--quiet $flags" "$library" >&2
    strip -o "$folder/stripped" "$library"
    echo "| $what | $(wc -c <"$folder/stripped") |"
done
rm -f "$folder/stripped"
