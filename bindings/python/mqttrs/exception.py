"""The exceptions that Paho has."""

from __future__ import annotations


class MQTTException(Exception):
    """Something that is not as MQTT wants it."""


class MalformedPacket(MQTTException):
    """Bytes that are no MQTT packet, or no part of one."""
