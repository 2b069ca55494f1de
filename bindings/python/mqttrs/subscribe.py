"""Receiving in one call: connects, subscribes, and disconnects at the end.

`simple()` and `callback()` have Paho's arguments. Both raise what `Client.connect()` raises and
`MQTTException` where the server refuses the connection.
"""

from __future__ import annotations

from typing import Any

from . import client as _client
from ._paho.oneshot import connected
from .exception import MQTTException


def callback(
    callback: Any,
    topics: str | list[str],
    qos: int = 0,
    userdata: Any = None,
    hostname: str = "localhost",
    port: int = 1883,
    client_id: str = "",
    keepalive: int = 60,
    will: dict[str, Any] | None = None,
    auth: dict[str, Any] | None = None,
    tls: Any = None,
    protocol: Any = _client.MQTTv311,
    transport: Any = "tcp",
    clean_session: bool | None = True,
    proxy_args: Any | None = None,
) -> None:
    """Calls `callback(client, userdata, message)` for each message, until it disconnects.

    `topics` is a topic filter or a list of them, all with `qos`. With MQTT 5 `clean_session` has
    to be None. The other arguments are those of `mqttrs.publish.multiple()`.
    """
    if not 0 <= qos <= 2:
        raise ValueError("qos is 0, 1 or 2")

    def on_connect(client: Any, _: Any, flags: Any, reason_code: Any, properties: Any) -> None:
        if reason_code.is_failure:
            raise MQTTException(_client.connack_string(reason_code))
        for topic in topics if isinstance(topics, list) else [topics]:
            client.subscribe(topic, qos)

    def on_message(client: Any, _: Any, message: Any) -> None:
        callback(client, userdata, message)

    client = _client.Client(
        _client.CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=protocol,
        transport=transport,
        clean_session=clean_session,
    )
    client.on_connect = on_connect
    client.on_message = on_message
    connected(client, hostname, port, keepalive, will, auth, tls, proxy_args)
    client.loop_forever()


def simple(
    topics: str | list[str],
    qos: int = 0,
    msg_count: int = 1,
    retained: bool = True,
    hostname: str = "localhost",
    port: int = 1883,
    client_id: str = "",
    keepalive: int = 60,
    will: dict[str, Any] | None = None,
    auth: dict[str, Any] | None = None,
    tls: Any = None,
    protocol: Any = _client.MQTTv311,
    transport: Any = "tcp",
    clean_session: bool | None = True,
    proxy_args: Any | None = None,
) -> Any:
    """Returns the next message, or with a `msg_count` above 1 a list of so many.

    Without `retained`, messages that the server had retained are left out. With MQTT 5
    `clean_session` is ignored. The other arguments are those of `callback()`.
    """
    if msg_count < 1:
        raise ValueError("msg_count is at least 1")
    messages: list[Any] = []

    def on_message(client: Any, _: Any, message: Any) -> None:
        if len(messages) == msg_count or message.retain and not retained:
            return
        messages.append(message)
        if len(messages) == msg_count:
            client.disconnect()

    if protocol == _client.MQTTv5:
        clean_session = None
    callback(
        on_message, topics, qos, None, hostname, port, client_id, keepalive, will, auth, tls,
        protocol, transport, clean_session, proxy_args,
    )  # fmt: skip
    return messages[0] if msg_count == 1 else messages
