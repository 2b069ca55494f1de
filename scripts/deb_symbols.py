#!/usr/bin/env python3
"""packaging/debian/libmqttrs0.symbols: since which version each symbol is in libmqttrs.so.0.

deb_symbols.py check    whether the file has the symbols of mqttrs.map, no more and no less
deb_symbols.py update   adds those that are new, as of the version in Cargo.toml

A symbol that has left the map is not removed by `update`: programs that need it would break.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = ROOT / "packaging/debian/libmqttrs0.symbols"
HEAD = "libmqttrs.so.0 libmqttrs0 #MINVER#\n* Build-Depends-Package: libmqttrs-dev\n"


def in_map() -> set[str]:
    text = re.sub(r"/\*.*?\*/", "", (ROOT / "mqttrs.map").read_text(), flags=re.DOTALL)
    symbols = set()
    for node, body in re.findall(r"(\w[\w.]*)\s*\{(.*?)\}", text, re.DOTALL):
        symbols.add(f"{node}@{node}")
        symbols |= {f"{name}@{node}" for name in re.findall(r"(\w+);", body)}
    return symbols


def in_file() -> dict[str, str]:
    if not FILE.exists():
        return {}
    return dict(line.split() for line in FILE.read_text().splitlines() if line.startswith(" "))


def version() -> str:
    return re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.MULTILINE)[1]


def main() -> None:
    symbols, since = in_map(), in_file()
    new, gone = sorted(symbols - since.keys()), sorted(since.keys() - symbols)
    match sys.argv[1:]:
        case ["check"]:
            problems = [f"{FILE.name} lacks {name}" for name in new]
        case ["update"]:
            since |= {name: version() for name in new}
            FILE.write_text(HEAD + "".join(f" {name} {since[name]}\n" for name in sorted(since)))
            problems = []
        case _:
            sys.exit(__doc__)
    problems += [f"mqttrs.map lacks {name}, which programs may need" for name in gone]
    if problems:
        sys.exit("\n".join(problems + ["`scripts/deb_symbols.py update` writes down what is new."]))


if __name__ == "__main__":
    main()
