"""Debian's libmosquittopp.so.1, libmosquitto's class for C++, under a program of ours."""

import subprocess
from pathlib import Path

from library import BUILD
from world import Program, debian_version, free_port

SOURCE = Path(__file__).resolve().parent.parent / "cpp/sensor.cpp"
PROGRAM_FILE = BUILD / "consumers/cpp/sensor"


def prepare():
    PROGRAM_FILE.parent.mkdir(parents=True, exist_ok=True)
    # Against Debian's headers and libraries.
    command = ["c++", "-std=c++17", "-Wall", "-Wextra", "-Werror", SOURCE, "-o", PROGRAM_FILE, "-lmosquittopp", "-pthread"]
    subprocess.run([str(word) for word in command], check=True)


def run(world):
    broker = world.broker(port=free_port())
    lines = world.output([PROGRAM_FILE, broker.port]).splitlines()
    shown = sum("temperature" in line for line in lines)
    return f"{shown} messages of QoS 2 through two objects", lines


PROGRAM = Program(
    title="libmosquittopp",
    language="C++",
    through="linked",
    task="classes derived from `mosquittopp`, in a program made for this: a sensor and a display, each with a loop thread",
    version=lambda: debian_version("libmosquittopp1"),
    run=run,
    packages=("g++", "libmosquittopp1", "libmosquittopp-dev", "libmosquitto-dev"),
    prepare=prepare,
)
