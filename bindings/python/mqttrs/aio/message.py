"""A message that has arrived."""

from __future__ import annotations

from .. import _native
from .properties import Properties, from_native


class Message(_native.Message):
    """``topic`` (str), ``payload`` (bytes), ``qos``, ``retain``, ``mid`` and ``properties``."""

    __slots__ = ()

    @property
    def properties(self) -> Properties:
        """Its MQTT 5 properties, made anew each time; empty below MQTT 5."""
        return from_native(self.property_list)

    @property
    def text(self) -> str:
        """The payload as text in UTF-8; raises UnicodeDecodeError where it is none."""
        return self.payload.decode()

    def __repr__(self) -> str:
        return f"<Message {self.topic!r} qos={self.qos} {len(self.payload)} bytes>"
