"""Paho's constants and the functions that explain them."""

from __future__ import annotations

import logging
import string
from typing import Literal, Union

from ..enums import (
    ConnackCode,
    LogLevel,
    MessageState,
    MessageType,
    MQTTErrorCode,
    MQTTProtocolVersion,
    PahoClientMode,
)
from ..matcher import MQTTMatcher
from ..packettypes import PacketTypes
from ..reasoncodes import ReasonCode

CONNECT = MessageType.CONNECT
CONNACK = MessageType.CONNACK
PUBLISH = MessageType.PUBLISH
PUBACK = MessageType.PUBACK
PUBREC = MessageType.PUBREC
PUBREL = MessageType.PUBREL
PUBCOMP = MessageType.PUBCOMP
SUBSCRIBE = MessageType.SUBSCRIBE
SUBACK = MessageType.SUBACK
UNSUBSCRIBE = MessageType.UNSUBSCRIBE
UNSUBACK = MessageType.UNSUBACK
PINGREQ = MessageType.PINGREQ
PINGRESP = MessageType.PINGRESP
DISCONNECT = MessageType.DISCONNECT
AUTH = MessageType.AUTH

MQTT_LOG_INFO = LogLevel.MQTT_LOG_INFO
MQTT_LOG_NOTICE = LogLevel.MQTT_LOG_NOTICE
MQTT_LOG_WARNING = LogLevel.MQTT_LOG_WARNING
MQTT_LOG_ERR = LogLevel.MQTT_LOG_ERR
MQTT_LOG_DEBUG = LogLevel.MQTT_LOG_DEBUG
#: The levels of the module `logging`, which has none between information and warning.
LOGGING_LEVEL = {
    MQTT_LOG_DEBUG: logging.DEBUG,
    MQTT_LOG_INFO: logging.INFO,
    MQTT_LOG_NOTICE: logging.INFO,
    MQTT_LOG_WARNING: logging.WARNING,
    MQTT_LOG_ERR: logging.ERROR,
}

CONNACK_ACCEPTED = ConnackCode.CONNACK_ACCEPTED
CONNACK_REFUSED_PROTOCOL_VERSION = ConnackCode.CONNACK_REFUSED_PROTOCOL_VERSION
CONNACK_REFUSED_IDENTIFIER_REJECTED = ConnackCode.CONNACK_REFUSED_IDENTIFIER_REJECTED
CONNACK_REFUSED_SERVER_UNAVAILABLE = ConnackCode.CONNACK_REFUSED_SERVER_UNAVAILABLE
CONNACK_REFUSED_BAD_USERNAME_PASSWORD = ConnackCode.CONNACK_REFUSED_BAD_USERNAME_PASSWORD
CONNACK_REFUSED_NOT_AUTHORIZED = ConnackCode.CONNACK_REFUSED_NOT_AUTHORIZED

mqtt_ms_invalid = MessageState.MQTT_MS_INVALID
mqtt_ms_publish = MessageState.MQTT_MS_PUBLISH
mqtt_ms_wait_for_puback = MessageState.MQTT_MS_WAIT_FOR_PUBACK
mqtt_ms_wait_for_pubrec = MessageState.MQTT_MS_WAIT_FOR_PUBREC
mqtt_ms_resend_pubrel = MessageState.MQTT_MS_RESEND_PUBREL
mqtt_ms_wait_for_pubrel = MessageState.MQTT_MS_WAIT_FOR_PUBREL
mqtt_ms_resend_pubcomp = MessageState.MQTT_MS_RESEND_PUBCOMP
mqtt_ms_wait_for_pubcomp = MessageState.MQTT_MS_WAIT_FOR_PUBCOMP
mqtt_ms_send_pubrec = MessageState.MQTT_MS_SEND_PUBREC
mqtt_ms_queued = MessageState.MQTT_MS_QUEUED

MQTT_ERR_AGAIN = MQTTErrorCode.MQTT_ERR_AGAIN
MQTT_ERR_SUCCESS = MQTTErrorCode.MQTT_ERR_SUCCESS
MQTT_ERR_NOMEM = MQTTErrorCode.MQTT_ERR_NOMEM
MQTT_ERR_PROTOCOL = MQTTErrorCode.MQTT_ERR_PROTOCOL
MQTT_ERR_INVAL = MQTTErrorCode.MQTT_ERR_INVAL
MQTT_ERR_NO_CONN = MQTTErrorCode.MQTT_ERR_NO_CONN
MQTT_ERR_CONN_REFUSED = MQTTErrorCode.MQTT_ERR_CONN_REFUSED
MQTT_ERR_NOT_FOUND = MQTTErrorCode.MQTT_ERR_NOT_FOUND
MQTT_ERR_CONN_LOST = MQTTErrorCode.MQTT_ERR_CONN_LOST
MQTT_ERR_TLS = MQTTErrorCode.MQTT_ERR_TLS
MQTT_ERR_PAYLOAD_SIZE = MQTTErrorCode.MQTT_ERR_PAYLOAD_SIZE
MQTT_ERR_NOT_SUPPORTED = MQTTErrorCode.MQTT_ERR_NOT_SUPPORTED
MQTT_ERR_AUTH = MQTTErrorCode.MQTT_ERR_AUTH
MQTT_ERR_ACL_DENIED = MQTTErrorCode.MQTT_ERR_ACL_DENIED
MQTT_ERR_UNKNOWN = MQTTErrorCode.MQTT_ERR_UNKNOWN
MQTT_ERR_ERRNO = MQTTErrorCode.MQTT_ERR_ERRNO
MQTT_ERR_QUEUE_SIZE = MQTTErrorCode.MQTT_ERR_QUEUE_SIZE
MQTT_ERR_KEEPALIVE = MQTTErrorCode.MQTT_ERR_KEEPALIVE

MQTTv31 = MQTTProtocolVersion.MQTTv31
MQTTv311 = MQTTProtocolVersion.MQTTv311
MQTTv5 = MQTTProtocolVersion.MQTTv5

MQTT_CLIENT = PahoClientMode.MQTT_CLIENT
MQTT_BRIDGE = PahoClientMode.MQTT_BRIDGE

#: `clean_start`: a new session for the first connection, the same one for those that follow.
MQTT_CLEAN_START_FIRST_ONLY: Literal[3] = 3

#: What a payload may be: text becomes UTF-8, numbers their decimal digits, None is empty.
PayloadType = Union[str, bytes, bytearray, int, float, None]
CleanStartOption = Union[bool, Literal[3]]

_ERRORS = {
    MQTT_ERR_SUCCESS: "Success.",
    MQTT_ERR_NOMEM: "There is not enough memory.",
    MQTT_ERR_PROTOCOL: "The server does not keep to the protocol.",
    MQTT_ERR_INVAL: "An argument is not valid.",
    MQTT_ERR_NO_CONN: "The client has no connection.",
    MQTT_ERR_CONN_REFUSED: "The server refused the connection.",
    MQTT_ERR_NOT_FOUND: "There is no such message.",
    MQTT_ERR_CONN_LOST: "The connection is lost.",
    MQTT_ERR_TLS: "TLS failed.",
    MQTT_ERR_PAYLOAD_SIZE: "The payload is too large.",
    MQTT_ERR_NOT_SUPPORTED: "That is not supported.",
    MQTT_ERR_AUTH: "Authentication failed.",
    MQTT_ERR_ACL_DENIED: "Access is denied.",
    MQTT_ERR_UNKNOWN: "The error is unknown.",
    MQTT_ERR_ERRNO: "The system reported an error.",
    MQTT_ERR_QUEUE_SIZE: "The queue of messages is full.",
    MQTT_ERR_KEEPALIVE: "Nothing came within the keep alive interval.",
}

_CONNACKS = {
    CONNACK_ACCEPTED: "The server accepted the connection.",
    CONNACK_REFUSED_PROTOCOL_VERSION: "Refused: the server does not speak this protocol version.",
    CONNACK_REFUSED_IDENTIFIER_REJECTED: "Refused: the server does not allow the client identifier.",
    CONNACK_REFUSED_SERVER_UNAVAILABLE: "Refused: the server is not available.",
    CONNACK_REFUSED_BAD_USERNAME_PASSWORD: "Refused: bad user name or password.",
    CONNACK_REFUSED_NOT_AUTHORIZED: "Refused: not authorized.",
}

# MQTT 3.1.1's codes and the names of MQTT 5's.
_CONNACK_NAMES = {
    CONNACK_ACCEPTED: "Success",
    CONNACK_REFUSED_PROTOCOL_VERSION: "Unsupported protocol version",
    CONNACK_REFUSED_IDENTIFIER_REJECTED: "Client identifier not valid",
    CONNACK_REFUSED_SERVER_UNAVAILABLE: "Server unavailable",
    CONNACK_REFUSED_BAD_USERNAME_PASSWORD: "Bad user name or password",
    CONNACK_REFUSED_NOT_AUTHORIZED: "Not authorized",
}

_DISCONNECT_NAMES = {
    MQTT_ERR_SUCCESS: "Normal disconnection",
    MQTT_ERR_KEEPALIVE: "Keep alive timeout",
    MQTT_ERR_PROTOCOL: "Protocol error",
}


def error_string(mqtt_errno: MQTTErrorCode | int) -> str:
    """An error code in words."""
    return _ERRORS.get(mqtt_errno, _ERRORS[MQTT_ERR_UNKNOWN])  # type: ignore[arg-type]


def connack_string(connack_code: int | ReasonCode) -> str:
    """In words what a server answered to CONNECT: a code below MQTT 5, or a reason code."""
    if isinstance(connack_code, ReasonCode):
        return str(connack_code)
    return _CONNACKS.get(connack_code, "Refused: for an unknown reason.")  # type: ignore


def convert_connack_rc_to_reason_code(connack_code: ConnackCode) -> ReasonCode:
    """The reason code of MQTT 5 for a CONNACK code of MQTT 3; the numbers are not the same."""
    name = _CONNACK_NAMES.get(connack_code, "Unspecified error")
    return ReasonCode(PacketTypes.CONNACK, name)


def convert_disconnect_error_code_to_reason_code(rc: MQTTErrorCode) -> ReasonCode:
    """The reason code of a DISCONNECT that says the same as an error code."""
    return ReasonCode(PacketTypes.DISCONNECT, _DISCONNECT_NAMES.get(rc, "Unspecified error"))


def topic_matches_sub(sub: str, topic: str) -> bool:
    """Whether `topic` matches the topic filter `sub` (MQTT 5.0 section 4.7)."""
    matcher = MQTTMatcher()
    matcher[sub] = True
    return next(matcher.iter_match(topic), False)


def _base62(
    num: int,
    base: str = string.digits + string.ascii_letters,
    padding: int = 1,
) -> str:
    """A number in 62 digits, filled up to `padding` of them."""
    if num < 0:
        raise ValueError("there are no digits for negative numbers")
    digits = ""
    while num:
        num, digit = divmod(num, 62)
        digits = base[digit] + digits
    return digits.rjust(padding, base[0])
