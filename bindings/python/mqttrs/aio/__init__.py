"""An MQTT client for asyncio::

    async with mqttrs.aio.Client("127.0.0.1") as client:
        await client.subscribe("sensors/#", qos=1)
        await client.publish("sensors/hall", "21.5", qos=1)
        async for message in client.messages:
            print(message.topic, message.text)

Everything belongs to the event loop in which the client was entered; it makes no thread, and needs
of the loop no more than ``add_reader`` and ``call_at``, which others than asyncio's own have too.
"""

from .client import Client
from .connection import ConnectionEvent
from .errors import ClosedError, ConnectFailed, MqttError, PublishFailed, RefusedError
from .message import Message
from .options import TLS, Proxy, Reconnect, Will
from .properties import Properties
from .streams import Events, Messages

__all__ = [
    "Client",
    "ClosedError",
    "ConnectFailed",
    "ConnectionEvent",
    "Events",
    "Message",
    "Messages",
    "MqttError",
    "Properties",
    "Proxy",
    "PublishFailed",
    "Reconnect",
    "RefusedError",
    "TLS",
    "Will",
]
