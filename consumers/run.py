#!/usr/bin/env python3
"""Programs of others on libmqttrs and on Debian's libmosquitto; `make consumers` is the way in.

run.py [NAME...]    all of consumers/programs, or these

Each program is taken as it is published. It is prepared (packages installed, sources fetched and
built), then put to work twice, once on each library, in a network of its own, and what came of it
is compared. docs/consumers/programs.json gets the result, and with it docs/consumers.md.
Ends with 1 when something failed or the two libraries differ.
"""

import difflib
import importlib
import os
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path

import isolation
import report
from library import DEBIAN, OURS
from world import World

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
# What all programs need, and the tools that look at them from outside.
PACKAGES = ("mosquitto", "mosquitto-clients", "libmosquitto1", "openssl")


def programs(wanted):
    """The modules in consumers/programs, in the order of their names or of those wanted."""
    known = sorted(path.stem for path in (HERE / "programs").glob("[a-z]*.py"))
    names = wanted or known
    for name in names:
        if name not in known:
            sys.exit(f"consumers: there is no {name}; there are: {' '.join(known)}")
    return [(name, importlib.import_module(f"programs.{name}").PROGRAM) for name in names]


def attempt(name, program, library):
    """What came of the program on this library: (summary, observations), or (why not, None)."""
    with tempfile.TemporaryDirectory(prefix=f"consumers-{name}-") as folder:
        world = World(Path(folder), library)
        try:
            summary, observations = program.run(world)
            world.check_library()
            return summary, observations
        except Exception as error:  # whatever it was, it is this program's failure
            traceback.print_exc()
            world.show_outputs()
            return f"failed: {error}".splitlines()[0], None
        finally:
            world.close()


def judge(name, program):
    """Runs a program on both libraries; returns its results and whether all is well."""
    results = {library: attempt(name, program, library) for library in (OURS, DEBIAN)}
    (ours, seen), (debians, expected) = results[OURS], results[DEBIAN]
    if seen is None or expected is None:
        good = False
    elif seen != expected:
        print(f"{name}: what was seen differs:")
        print(*difflib.unified_diff(expected, seen, DEBIAN, OURS, n=1, lineterm=""), sep="\n")
        ours, good = f"differs: {ours}", False
    else:
        debians, good = "the same" if ours == debians else debians, True
    print(f"{name}: libmqttrs: {ours}; libmosquitto: {debians}: {'passed' if good else 'FAILED'}", flush=True)
    return ours, debians, good


def main(wanted):
    chosen = programs(wanted)
    packages = dict.fromkeys([*PACKAGES, *(package for _, program in chosen for package in program.packages)])
    # The programs themselves run in a network without a way out; this runs before that.
    if not isolation.inside():
        subprocess.run([ROOT / "scripts/install-packages.sh", *packages], check=True)
        for name, program in chosen:
            if program.prepare:
                print(f"{name}: preparing", flush=True)
                program.prepare()
        isolation.enter()
    failed = []
    for name, program in chosen:
        ours, debians, good = judge(name, program)
        report.record(name, program, ours, debians)
        if not good:
            failed.append(name)
    print(f"consumers: {len(chosen) - len(failed)} passed, {len(failed)} failed")
    if failed:
        sys.exit(1)


if __name__ == "__main__":
    os.chdir(ROOT)
    main(sys.argv[1:] or os.environ.get("ONLY", "").split())
