"""The Paho client itself, which ours is compared with."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

VERSION = "2.2.0"

#: What `import paho.mqtt` gets where ours is in its place.
IN_PLACE = """
import importlib, sys
from mqttrs import MQTTException
for name in ("client", "publish", "subscribe", "enums", "exception", "matcher", "packettypes",
             "properties", "reasoncodes", "subscribeoptions"):
    sys.modules["paho.mqtt." + name] = globals()[name] = importlib.import_module("mqttrs." + name)
"""

_FOLDER = os.environ.get("MQTTRS_PAHO")
if _FOLDER and _FOLDER not in sys.path:
    sys.path.append(_FOLDER)

try:
    import paho.mqtt.client  # noqa: F401

    HAS_PAHO = True
except ImportError:
    HAS_PAHO = False

#: For tests that compare.
needs_paho = pytest.mark.skipif(not HAS_PAHO, reason="paho-mqtt cannot be had")


def modules() -> list[Any]:
    """Paho's client module and ours; ours alone where Paho cannot be had."""
    import mqttrs.client

    if not HAS_PAHO:
        return [mqttrs.client]
    import paho.mqtt.client

    return [paho.mqtt.client, mqttrs.client]


def sources(folder: Path) -> Path:
    """Paho's source distribution, with its tests and examples, unpacked in a folder.

    It stays in the build folder for the next run.
    """
    kept = Path(os.environ.get("MQTTRS_BUILD_DIR", folder)) / "paho-python"
    kept.mkdir(exist_ok=True)
    archive = kept / f"paho_mqtt-{VERSION}.tar.gz"
    if not archive.is_file():
        got = folder / "download"
        command = [sys.executable if _has_pip() else "/usr/bin/python3", "-m", "pip", "download"]
        command += ["--disable-pip-version-check", "--no-binary", "paho-mqtt", "--no-deps", "-q"]
        done = subprocess.run(
            [*command, "-d", str(got), f"paho-mqtt=={VERSION}"], capture_output=True, text=True
        )
        if done.returncode:
            pytest.skip(f"Paho's sources cannot be had: {done.stderr.strip()[-200:]}")
        # Another run may be at it too; the last one to come replaces the same by the same.
        os.replace(got / archive.name, archive)
    shutil.unpack_archive(archive, folder)
    return folder / f"paho_mqtt-{VERSION}"


def _has_pip() -> bool:
    return importlib.util.find_spec("pip") is not None


def in_place_of_paho(folder: Path) -> Path:
    """A folder for PYTHONPATH in which `paho.mqtt` is ours, and `mqttrs` too."""
    package = folder / "in-place-of-paho" / "paho" / "mqtt"
    package.mkdir(parents=True)
    (package.parent / "__init__.py").write_text("")
    (package / "__init__.py").write_text(IN_PLACE)
    import mqttrs

    (package.parent.parent / "mqttrs").symlink_to(Path(mqttrs.__file__).parent)
    return package.parent.parent
