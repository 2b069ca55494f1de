"""Which libmosquitto.so.1 a program gets, and which it has got."""

import os
import re
from pathlib import Path

OURS, DEBIAN = "libmqttrs", "libmosquitto"
BUILD = Path(os.environ["MQTTRS_BUILD_DIR"]).resolve()
DROPIN = BUILD / "dropin"


def environment(library, log):
    """The environment in which programs get this library and their loader notes in files that
    begin with `log` what it loads."""
    env = {name: value for name, value in os.environ.items() if name != "LD_LIBRARY_PATH"}
    if library == OURS:
        env["LD_LIBRARY_PATH"] = str(DROPIN)
    return env | {"LD_DEBUG": "libs", "LD_DEBUG_OUTPUT": str(log)}


def check(library, log, folder):
    """Raises unless some process has loaded a libmosquitto.so.1, and all that did loaded this one;
    what they say relatively they say from `folder`."""
    loaded = set()
    for path in log.parent.glob(log.name + ".*"):
        text = path.read_text(errors="replace")
        loaded |= set(re.findall(r"calling init: (\S*/lib(?:mosquitto|mqttrs)\.so\S*)", text))
    if not loaded:
        raise AssertionError("no process has loaded libmosquitto.so.1")
    ours = {path for path in loaded if (folder / path).resolve().parent == DROPIN}
    if ours != (loaded if library == OURS else set()):
        raise AssertionError(f"on {library}, these were loaded: {' '.join(sorted(loaded))}")
