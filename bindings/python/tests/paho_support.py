"""The Paho client itself, which ours is compared with."""

from __future__ import annotations

import os
import sys
from typing import Any

import pytest

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
