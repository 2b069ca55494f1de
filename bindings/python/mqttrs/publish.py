"""Publishing in one call: connects, publishes, disconnects.

`single()` and `multiple()` have Paho's arguments. Both return when everything is published, and
raise what `Client.connect()` raises, `MQTTException` where the server refuses the connection, and
`TypeError` or `ValueError` for arguments that do not fit.
"""

from __future__ import annotations

import collections
from typing import Any, Iterable, Literal

from . import client as _client
from ._paho.oneshot import connected
from .enums import CallbackAPIVersion, MQTTProtocolVersion
from .exception import MQTTException


def multiple(
    msgs: list[Any],
    hostname: str = "localhost",
    port: int = 1883,
    client_id: str = "",
    keepalive: int = 60,
    will: dict[str, Any] | None = None,
    auth: dict[str, Any] | None = None,
    tls: Any = None,
    protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311,
    transport: Literal["tcp", "websockets"] = "tcp",
    proxy_args: Any | None = None,
) -> None:
    """Publishes messages, one after the other.

    Each is a dictionary with `topic` and maybe `payload`, `qos` and `retain`, or a tuple of them
    in this order. `will` is such a dictionary. `auth` has `username` and maybe `password`. `tls`
    has arguments of `Client.tls_set()` and maybe `insecure`, or is an `ssl.SSLContext`.
    `proxy_args` is for `Client.proxy_set()`.
    """
    if not isinstance(msgs, Iterable):
        raise TypeError("msgs are messages in a list")
    if len(msgs) == 0:
        raise ValueError("there is no message to publish")
    client = _client.Client(
        CallbackAPIVersion.VERSION2,
        client_id=client_id,
        userdata=collections.deque(msgs),
        protocol=protocol,
        transport=transport,
    )
    client.on_connect = _on_connect
    client.on_publish = _on_publish
    connected(client, hostname, port, keepalive, will, auth, tls, proxy_args)
    client.loop_forever()


def single(
    topic: str,
    payload: _client.PayloadType = None,
    qos: int = 0,
    retain: bool = False,
    hostname: str = "localhost",
    port: int = 1883,
    client_id: str = "",
    keepalive: int = 60,
    will: dict[str, Any] | None = None,
    auth: dict[str, Any] | None = None,
    tls: Any = None,
    protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv311,
    transport: Literal["tcp", "websockets"] = "tcp",
    proxy_args: Any | None = None,
) -> None:
    """Publishes one message; the other arguments are those of `multiple()`."""
    message = {"topic": topic, "payload": payload, "qos": qos, "retain": retain}
    multiple(
        [message], hostname, port, client_id, keepalive, will, auth, tls, protocol, transport,
        proxy_args,
    )  # fmt: skip


def _on_connect(client: Any, userdata: Any, flags: Any, reason_code: Any, properties: Any) -> None:
    if reason_code.is_failure:
        raise MQTTException(_client.connack_string(reason_code))
    if userdata:
        _next(client, userdata)


def _on_publish(client: Any, userdata: Any, mid: int, reason_code: Any, properties: Any) -> None:
    if userdata:
        _next(client, userdata)
    else:
        client.disconnect()


def _next(client: Any, waiting: Any) -> None:
    message = waiting.popleft()
    if isinstance(message, dict):
        client.publish(**message)
    elif isinstance(message, (tuple, list)):
        client.publish(*message)
    else:
        raise TypeError("a message is a dictionary, a tuple or a list")
