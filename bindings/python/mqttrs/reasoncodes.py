"""Reason codes of MQTT 5, each with its names and the packets that may have it."""

from __future__ import annotations

import functools
import warnings
from types import MappingProxyType
from typing import Any, Mapping

from .packettypes import PacketTypes

_BY_LETTER = {
    "c": PacketTypes.CONNACK,
    "a": PacketTypes.PUBACK,
    "r": PacketTypes.PUBREC,
    "l": PacketTypes.PUBREL,
    "o": PacketTypes.PUBCOMP,
    "s": PacketTypes.SUBACK,
    "u": PacketTypes.UNSUBACK,
    "d": PacketTypes.DISCONNECT,
    "h": PacketTypes.AUTH,
}

# MQTT 5.0 section 2.4: value, name, packets by the letters above.
_TABLE = (
    (0, "Success", "carlouh"),
    (0, "Normal disconnection", "d"),
    (0, "Granted QoS 0", "s"),
    (1, "Granted QoS 1", "s"),
    (2, "Granted QoS 2", "s"),
    (4, "Disconnect with will message", "d"),
    (16, "No matching subscribers", "ar"),
    (17, "No subscription found", "u"),
    (24, "Continue authentication", "h"),
    (25, "Re-authenticate", "h"),
    (128, "Unspecified error", "carsud"),
    (129, "Malformed packet", "cd"),
    (130, "Protocol error", "cd"),
    (131, "Implementation specific error", "carsud"),
    (132, "Unsupported protocol version", "c"),
    (133, "Client identifier not valid", "c"),
    (134, "Bad user name or password", "c"),
    (135, "Not authorized", "carsud"),
    (136, "Server unavailable", "c"),
    (137, "Server busy", "cd"),
    (138, "Banned", "c"),
    (139, "Server shutting down", "d"),
    (140, "Bad authentication method", "cd"),
    (141, "Keep alive timeout", "d"),
    (142, "Session taken over", "d"),
    (143, "Topic filter invalid", "sud"),
    (144, "Topic name invalid", "card"),
    (145, "Packet identifier in use", "arsu"),
    (146, "Packet identifier not found", "lo"),
    (147, "Receive maximum exceeded", "d"),
    (148, "Topic alias invalid", "d"),
    (149, "Packet too large", "cd"),
    (150, "Message rate too high", "d"),
    (151, "Quota exceeded", "carsd"),
    (152, "Administrative action", "d"),
    (153, "Payload format invalid", "ard"),
    (154, "Retain not supported", "cd"),
    (155, "QoS not supported", "cd"),
    (156, "Use another server", "cd"),
    (157, "Server moved", "cd"),
    (158, "Shared subscription not supported", "sd"),
    (159, "Connection rate exceeded", "cd"),
    (160, "Maximum connect time", "d"),
    (161, "Subscription identifiers not supported", "sd"),
    (162, "Wildcard subscription not supported", "sd"),
)


def _names() -> Mapping[int, dict[str, list[int]]]:
    names: dict[int, dict[str, list[int]]] = {}
    for value, name, letters in _TABLE:
        names.setdefault(value, {})[name] = [_BY_LETTER[letter] for letter in letters]
    return MappingProxyType(names)


@functools.total_ordering
class ReasonCode:
    """A reason code in a packet of one type.

    It compares with numbers and other reason codes by value, with strings by name. Setting a
    value that the packet type cannot have raises `KeyError` or `ValueError`.
    """

    #: value -> name -> packet types
    names = _names()

    def __init__(self, packetType: int, aName: str = "Success", identifier: int = -1):
        """By name, or by `identifier`, the number, where that is given."""
        self.packetType = packetType
        if identifier != -1:
            self.value = identifier
            self.getName()
        elif aName == "Success" and packetType == PacketTypes.DISCONNECT:
            self.value = 0
        else:
            self.set(aName)

    def __getName__(self, packetType: int, identifier: int) -> str:
        """The name of a number in a packet type."""
        found = [name for name, packets in self.names[identifier].items() if packetType in packets]
        if len(found) != 1:
            raise ValueError(f"reason code {identifier} is none of packet type {packetType}")
        return found[0]

    def getId(self, name: str) -> int:
        """The number of a name in this packet type."""
        for value, names in self.names.items():
            if self.packetType in names.get(name, ()):
                return value
        raise KeyError(f"packet type {self.packetType} has no reason code {name!r}")

    def set(self, name: str) -> None:
        """Sets the value by its name."""
        self.value = self.getId(name)

    def unpack(self, buffer: bytes | bytearray) -> int:
        """Takes the value from the first byte of `buffer`; returns how many bytes that were."""
        value = buffer[0]
        self.__getName__(self.packetType, value)
        self.value = value
        return 1

    def getName(self) -> str:
        """The name of the value."""
        return self.__getName__(self.packetType, self.value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, int):
            return self.value == other
        if isinstance(other, str):
            return self.getName() == other
        if isinstance(other, ReasonCode):
            return self.value == other.value
        return False

    # As with Paho's, which define equality alone: reason codes are no keys of dictionaries.
    __hash__ = None  # type: ignore[assignment]

    def __lt__(self, other: Any) -> bool:
        if isinstance(other, int):
            return self.value < other
        if isinstance(other, ReasonCode):
            return self.value < other.value
        return NotImplemented

    def __repr__(self) -> str:
        known = 0 <= self.packetType < len(PacketTypes.Names)
        packet = PacketTypes.Names[self.packetType] if known else "Unknown"
        return f"ReasonCode({packet}, {self.getName()!r})"

    def __str__(self) -> str:
        return self.getName()

    def json(self) -> str:
        """The name: what JSON gets."""
        return self.getName()

    def pack(self) -> bytearray:
        """The value as it goes into a packet."""
        return bytearray((self.value,))

    @property
    def is_failure(self) -> bool:
        """Whether the value says that something failed: 128 or more."""
        return self.value >= 0x80


class _AnyReasonCode(type):
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, ReasonCode)


class ReasonCodes(ReasonCode, metaclass=_AnyReasonCode):
    """The old name of `ReasonCode`."""

    def __init__(self, *args: Any, **kwargs: Any):
        warnings.warn(
            "ReasonCodes has become ReasonCode", category=DeprecationWarning, stacklevel=2
        )
        super().__init__(*args, **kwargs)
