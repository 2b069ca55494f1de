"""The options of a subscription in MQTT 5."""

from __future__ import annotations

from typing import Any

from .exception import MQTTException


class SubscribeOptions:
    """What SUBSCRIBE says about a topic filter (MQTT 5.0 section 3.8.3.1).

    `QoS` is 0, 1 or 2; with `noLocal` the server does not send the client's own messages back;
    with `retainAsPublished` messages keep their retain flag; `retainHandling` says when the
    server sends the messages it has retained, one of the constants below. Any other attribute
    raises `MQTTException`.
    """

    #: With each subscription.
    RETAIN_SEND_ON_SUBSCRIBE = 0
    #: With a subscription that is new.
    RETAIN_SEND_IF_NEW_SUB = 1
    #: Never.
    RETAIN_DO_NOT_SEND = 2

    names = ["QoS", "noLocal", "retainAsPublished", "retainHandling"]

    def __init__(
        self,
        qos: int = 0,
        noLocal: bool = False,
        retainAsPublished: bool = False,
        retainHandling: int = RETAIN_SEND_ON_SUBSCRIBE,
    ):
        """Values out of range raise `AssertionError`."""
        self.QoS = qos
        self.noLocal = noLocal
        self.retainAsPublished = retainAsPublished
        self.retainHandling = retainHandling
        self._check()

    def _check(self) -> None:
        if self.retainHandling not in (0, 1, 2):
            raise AssertionError(f"retainHandling is 0, 1 or 2, not {self.retainHandling}")
        if self.QoS not in (0, 1, 2):
            raise AssertionError(f"QoS is 0, 1 or 2, not {self.QoS}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self.names:
            raise MQTTException(f"{name} is none of {', '.join(self.names)}")
        object.__setattr__(self, name, value)

    def pack(self) -> bytes:
        """The byte that SUBSCRIBE has for these options."""
        self._check()
        bits = self.QoS | self.retainHandling << 4
        if self.noLocal:
            bits |= 0x04
        if self.retainAsPublished:
            bits |= 0x08
        return bytes((bits,))

    def unpack(self, buffer: bytes) -> int:
        """Takes the options from such a byte; returns how many bytes that were."""
        bits = buffer[0]
        self.QoS = bits & 0x03
        self.noLocal = bool(bits & 0x04)
        self.retainAsPublished = bool(bits & 0x08)
        self.retainHandling = bits >> 4 & 0x03
        self._check()
        return 1

    def json(self) -> dict[str, Any]:
        """A dictionary of the options."""
        return {name: getattr(self, name) for name in self.names}

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{name}={value}" for name, value in self.json().items()) + "}"

    __str__ = __repr__
