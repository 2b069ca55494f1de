"""From the library's error numbers to Paho's, and to exceptions."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Any

from .. import _native as native
from ..enums import MQTTErrorCode

# Where the numbers of libmosquitto and Paho differ. From 0 to 14 they are the same.
_OTHERS = {
    native.ERR_QUOTA_EXCEEDED: MQTTErrorCode.MQTT_ERR_QUEUE_SIZE,
    native.ERR_CONN_PENDING: MQTTErrorCode.MQTT_ERR_AGAIN,
    native.ERR_EAI: MQTTErrorCode.MQTT_ERR_CONN_LOST,
    native.ERR_PROXY: MQTTErrorCode.MQTT_ERR_CONN_LOST,
    native.ERR_LOOKUP: MQTTErrorCode.MQTT_ERR_CONN_LOST,
    native.ERR_TIMEOUT: MQTTErrorCode.MQTT_ERR_CONN_LOST,
    native.ERR_KEEPALIVE: MQTTErrorCode.MQTT_ERR_KEEPALIVE,
    native.ERR_MALFORMED_PACKET: MQTTErrorCode.MQTT_ERR_PROTOCOL,
    native.ERR_MALFORMED_UTF8: MQTTErrorCode.MQTT_ERR_INVAL,
    native.ERR_DUPLICATE_PROPERTY: MQTTErrorCode.MQTT_ERR_INVAL,
    native.ERR_TOPIC_ALIAS_INVALID: MQTTErrorCode.MQTT_ERR_INVAL,
    native.ERR_QOS_NOT_SUPPORTED: MQTTErrorCode.MQTT_ERR_NOT_SUPPORTED,
    native.ERR_RETAIN_NOT_SUPPORTED: MQTTErrorCode.MQTT_ERR_NOT_SUPPORTED,
    native.ERR_OVERSIZE_PACKET: MQTTErrorCode.MQTT_ERR_PAYLOAD_SIZE,
}
_TLS = (native.ERR_TLS, native.ERR_TLS_HANDSHAKE)
_NO_UPGRADE = (
    native.ERR_PROTOCOL,
    native.ERR_CONN_REFUSED,
    native.ERR_AUTH,
    native.ERR_MALFORMED_PACKET,
)


class WebsocketConnectionError(ConnectionError):
    """The server did not agree to a WebSocket."""


def from_native(rc: int) -> MQTTErrorCode:
    """Paho's number for a MOSQ_ERR_* of a call."""
    if 0 <= rc <= native.ERR_ERRNO:
        return MQTTErrorCode(rc)
    return _OTHERS.get(rc, MQTTErrorCode.MQTT_ERR_UNKNOWN)


def from_loop(rc: int) -> MQTTErrorCode:
    """Paho's number for a MOSQ_ERR_* with which a loop ended or a connection was lost.

    Errors of the system are a lost connection there.
    """
    if rc == native.ERR_ERRNO or rc in _TLS:
        return MQTTErrorCode.MQTT_ERR_CONN_LOST
    return from_native(rc)


def connect_failed(core: Any, rc: int, websockets: bool) -> Exception:
    """The exception for an attempt to connect that failed: an `OSError`, as with Python's sockets.

    `socket.gaierror` for a name that cannot be resolved, `ssl.SSLError` (and
    `ssl.SSLCertVerificationError`) for TLS, `WebsocketConnectionError` for a server that does not
    upgrade. A value that the library does not take is a `ValueError`.
    """
    text = core.last_error() or f"MOSQ_ERR {rc}"
    if rc == native.ERR_EAI:
        return socket.gaierror(socket.EAI_NONAME, text)
    if rc == native.ERR_ERRNO:
        number = core.errno
        return OSError(number, f"{os.strerror(number)}: {text}" if number else text)
    if rc in _TLS:
        if "certificate" in text.lower():
            # Programs look for these words of OpenSSL's.
            return ssl.SSLCertVerificationError(1, f"certificate verify failed: {text}")
        return ssl.SSLError(1, text)
    if from_native(rc) == MQTTErrorCode.MQTT_ERR_INVAL:
        return ValueError(text)
    if websockets and rc in _NO_UPGRADE:
        return WebsocketConnectionError(text)
    return ConnectionError(text)
