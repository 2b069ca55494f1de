"""MQTT 3.1, 3.1.1 and 5.0 for Python, over libmqttrs.

``mqttrs.client``, ``mqttrs.publish`` and ``mqttrs.subscribe`` have the API of the Paho client;
``mqttrs.aio`` is a client for ``asyncio``.
"""

from ._native import __version__
from .exception import MQTTException

__all__ = ["MQTTException", "__version__"]
