"""From the library's error numbers to Paho's, and to exceptions."""

from __future__ import annotations

import os
import socket
import ssl
from typing import Any

from ..enums import MQTTErrorCode

# Where the numbers of libmosquitto and Paho differ. Up to 14 they are the same.
_EAI = 15
_ERRNO = 14
_PROXY = 16
_TLS = 8
_OTHERS = {
    -1: MQTTErrorCode.MQTT_ERR_AGAIN,
    _EAI: MQTTErrorCode.MQTT_ERR_CONN_LOST,
    _PROXY: MQTTErrorCode.MQTT_ERR_CONN_LOST,
    18: MQTTErrorCode.MQTT_ERR_INVAL,  # malformed UTF-8
    19: MQTTErrorCode.MQTT_ERR_KEEPALIVE,
    20: MQTTErrorCode.MQTT_ERR_CONN_LOST,  # a look-up that failed
    21: MQTTErrorCode.MQTT_ERR_PROTOCOL,  # malformed packet
    22: MQTTErrorCode.MQTT_ERR_INVAL,  # a property twice
    24: MQTTErrorCode.MQTT_ERR_NOT_SUPPORTED,  # a QoS that the server does not take
    25: MQTTErrorCode.MQTT_ERR_PAYLOAD_SIZE,  # larger than the server takes
    27: MQTTErrorCode.MQTT_ERR_CONN_LOST,  # time was over
}
QUOTA_EXCEEDED = 151


class WebsocketConnectionError(ConnectionError):
    """The server did not agree to a WebSocket."""


def from_native(rc: int) -> MQTTErrorCode:
    """Paho's number for a MOSQ_ERR_* of a call."""
    if 0 <= rc < _ERRNO + 1:
        return MQTTErrorCode(rc)
    if rc == QUOTA_EXCEEDED:
        return MQTTErrorCode.MQTT_ERR_QUEUE_SIZE
    return _OTHERS.get(rc, MQTTErrorCode.MQTT_ERR_UNKNOWN)


def from_loop(rc: int) -> MQTTErrorCode:
    """Paho's number for a MOSQ_ERR_* with which a loop ended or a connection was lost.

    Errors of the system are a lost connection there.
    """
    if rc in (_ERRNO, _TLS):
        return MQTTErrorCode.MQTT_ERR_CONN_LOST
    return from_native(rc)


def connect_failed(core: Any, rc: int, websockets: bool) -> Exception:
    """The exception for an attempt to connect that failed: an `OSError`, as with Python's sockets.

    `socket.gaierror` for a name that cannot be resolved, `ssl.SSLError` (and
    `ssl.SSLCertVerificationError`) for TLS, `WebsocketConnectionError` for a server that does not
    upgrade. A value that the library does not take is a `ValueError`.
    """
    text = core.last_error() or f"MOSQ_ERR {rc}"
    if rc == _EAI:
        return socket.gaierror(socket.EAI_NONAME, text)
    if rc == _ERRNO:
        number = core.errno
        return OSError(number, f"{os.strerror(number)}: {text}" if number else text)
    if rc == _TLS:
        if "certificate" in text.lower():
            # Programs look for these words of OpenSSL's.
            return ssl.SSLCertVerificationError(1, f"certificate verify failed: {text}")
        return ssl.SSLError(1, text)
    if rc in (3, 18, 22):
        return ValueError(text)
    if websockets and rc in (2, 5, 11, 21):
        return WebsocketConnectionError(text)
    return ConnectionError(text)
