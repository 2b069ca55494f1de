"""Messages that have come, and messages on their way."""

from __future__ import annotations

from typing import Any

from .._native import OUTCOME_ACKNOWLEDGED, OUTCOME_CONNECTION_LOST, Message, Publication
from ..enums import MQTTErrorCode
from ..packettypes import PacketTypes
from ..properties import Properties
from .constants import MQTT_ERR_QUEUE_SIZE, MQTT_ERR_SUCCESS, error_string

#: The number itself, without the way over the enumeration.
_native_rc: Any = Publication.rc


class MQTTMessageInfo(Publication):
    """A message on its way: what `Client.publish()` returns. Any thread may use it.

    It is also the pair of `rc` and `mid`, so that `rc, mid = client.publish(...)` works.
    """

    __slots__ = ("_position", "_rc")

    def __init__(self, mid: int = 0, rc: int = 0):
        pass

    @property
    def rc(self) -> MQTTErrorCode:
        """`MQTT_ERR_SUCCESS`, or why the message was not sent.

        A message of QoS 0 that was lost with its connection has `MQTT_ERR_CONN_LOST`.
        """
        if self.outcome == OUTCOME_CONNECTION_LOST:
            return MQTTErrorCode.MQTT_ERR_CONN_LOST
        return MQTTErrorCode(_native_rc.__get__(self))

    @rc.setter
    def rc(self, value: int) -> None:
        _native_rc.__set__(self, value)

    def wait_for_publish(self, timeout: float | None = None) -> None:
        """Waits until the message is published, at most `timeout` seconds; None for ever.

        Something has to run the loop meanwhile. Ask `is_published()` whether it was in time.

        Raises `ValueError` where the queue was full, `RuntimeError` where the message was not
        published for another reason.
        """
        self._check()
        self.wait(timeout)
        self._check()

    def is_published(self) -> bool:
        """Whether the message is published; raises what `wait_for_publish()` does."""
        self._check()
        return self.is_done()

    def _check(self) -> None:
        rc = _native_rc.__get__(self)
        if rc == MQTT_ERR_SUCCESS:
            if (self.outcome or 0) > OUTCOME_ACKNOWLEDGED:
                raise RuntimeError(f"the message was dropped: outcome {self.outcome}")
            return
        if rc == MQTT_ERR_QUEUE_SIZE:
            raise ValueError("the message was not accepted: the queue is full")
        if rc > 0:
            raise RuntimeError(f"the message was not published: {error_string(rc)}")

    def __str__(self) -> str:
        return str((self.rc, self.mid))

    def __iter__(self) -> MQTTMessageInfo:
        self._position = 0
        return self

    def __next__(self) -> MQTTErrorCode | int:
        return self.next()

    def next(self) -> MQTTErrorCode | int:
        """The next one of `rc` and `mid`."""
        position = getattr(self, "_position", 0)
        if position > 1:
            raise StopIteration
        self._position = position + 1
        return self[position]

    def __getitem__(self, index: int) -> MQTTErrorCode | int:
        if index == 0:
            return self.rc
        if index == 1:
            return self.mid
        raise IndexError("a message's info has two members, rc and mid")


class MQTTMessage(Message):
    """A message that has come.

    `topic` is a str, `payload` bytes, `qos` 0 to 2, `retain` whether the server had kept it,
    `mid` its packet identifier (0 with QoS 0), `timestamp` when it came, in seconds of
    `time.monotonic()`, `properties` those of MQTT 5, None below it.
    """

    __slots__ = ("_info", "_properties")
    _info: MQTTMessageInfo
    _properties: Properties | None

    def __init__(self, mid: int = 0, topic: bytes = b""):
        self.mid = mid
        self.topic = topic  # type: ignore[assignment]

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "topic" and isinstance(value, (bytes, bytearray)):
            value = bytes(value).decode("utf-8")
        object.__setattr__(self, name, value)

    @property
    def properties(self) -> Properties | None:
        """The properties, made when they are asked for."""
        try:
            return self._properties
        except AttributeError:
            self._properties = self._received_properties()
            return self._properties

    @properties.setter
    def properties(self, value: Properties | None) -> None:
        self._properties = value

    def _received_properties(self) -> Properties | None:
        items = self.property_list
        return None if items is None else Properties._received(PacketTypes.PUBLISH, items)

    @property
    def info(self) -> MQTTMessageInfo:
        """Paho's messages have one, also those that have come."""
        try:
            return self._info
        except AttributeError:
            self._info = MQTTMessageInfo(self.mid)
            return self._info

    @info.setter
    def info(self, value: MQTTMessageInfo) -> None:
        self._info = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MQTTMessage) and self.mid == other.mid

    __hash__ = None  # type: ignore[assignment]


class MQTTMessage5(MQTTMessage):
    """A message that has come by MQTT 5: it has properties, if only empty ones."""

    __slots__ = ()

    def _received_properties(self) -> Properties:
        return Properties._received(PacketTypes.PUBLISH, self.property_list or ())
