"""Properties of MQTT 5 packets."""

from __future__ import annotations

import struct
from typing import Any

from .exception import MalformedPacket, MQTTException
from .packettypes import PacketTypes as _P

_BYTE, _INT16, _INT32, _VARINT, _BINARY, _STRING, _PAIR = range(7)
_MESSAGE = (_P.PUBLISH, _P.WILLMESSAGE)
_ANSWERS = (
    _P.CONNACK, _P.PUBACK, _P.PUBREC, _P.PUBREL, _P.PUBCOMP, _P.SUBACK, _P.UNSUBACK,
    _P.DISCONNECT, _P.AUTH,
)  # fmt: skip
_BOTH_CONNECT = (_P.CONNECT, _P.CONNACK)
_AUTHENTICATION = (_P.CONNECT, _P.CONNACK, _P.AUTH)
_SESSION_EXPIRY = (_P.CONNECT, _P.CONNACK, _P.DISCONNECT)
_EVERYWHERE = (
    _P.CONNECT, _P.CONNACK, _P.PUBLISH, _P.PUBACK, _P.PUBREC, _P.PUBREL, _P.PUBCOMP,
    _P.SUBSCRIBE, _P.SUBACK, _P.UNSUBSCRIBE, _P.UNSUBACK, _P.DISCONNECT, _P.AUTH, _P.WILLMESSAGE,
)  # fmt: skip

# MQTT 5.0 section 2.2.2.2: identifier, name, type, packets, and the values that may be set,
# where those are fewer than the type has.
_TABLE = (
    (1, "Payload Format Indicator", _BYTE, _MESSAGE, (0, 1)),
    (2, "Message Expiry Interval", _INT32, _MESSAGE, None),
    (3, "Content Type", _STRING, _MESSAGE, None),
    (8, "Response Topic", _STRING, _MESSAGE, None),
    (9, "Correlation Data", _BINARY, _MESSAGE, None),
    (11, "Subscription Identifier", _VARINT, (_P.PUBLISH, _P.SUBSCRIBE), (1, 268435455)),
    (17, "Session Expiry Interval", _INT32, _SESSION_EXPIRY, None),
    (18, "Assigned Client Identifier", _STRING, (_P.CONNACK,), None),
    (19, "Server Keep Alive", _INT16, (_P.CONNACK,), None),
    (21, "Authentication Method", _STRING, _AUTHENTICATION, None),
    (22, "Authentication Data", _BINARY, _AUTHENTICATION, None),
    (23, "Request Problem Information", _BYTE, (_P.CONNECT,), (0, 1)),
    (24, "Will Delay Interval", _INT32, (_P.WILLMESSAGE,), None),
    (25, "Request Response Information", _BYTE, (_P.CONNECT,), (0, 1)),
    (26, "Response Information", _STRING, (_P.CONNACK,), None),
    (28, "Server Reference", _STRING, (_P.CONNACK, _P.DISCONNECT), None),
    (31, "Reason String", _STRING, _ANSWERS, None),
    (33, "Receive Maximum", _INT16, _BOTH_CONNECT, (1, 65535)),
    (34, "Topic Alias Maximum", _INT16, _BOTH_CONNECT, (0, 65535)),
    (35, "Topic Alias", _INT16, (_P.PUBLISH,), (1, 65535)),
    (36, "Maximum QoS", _BYTE, (_P.CONNACK,), None),
    (37, "Retain Available", _BYTE, (_P.CONNACK,), None),
    (38, "User Property", _PAIR, _EVERYWHERE, None),
    (39, "Maximum Packet Size", _INT32, _BOTH_CONNECT, (1, 268435455)),
    (40, "Wildcard Subscription Available", _BYTE, (_P.CONNACK,), None),
    (41, "Subscription Identifier Available", _BYTE, (_P.CONNACK,), None),
    (42, "Shared Subscription Available", _BYTE, (_P.CONNACK,), None),
)

#: Attribute -> its row: identifier, name, type, packets, range.
_BY_ATTRIBUTE = {row[1].replace(" ", ""): row for row in _TABLE}
#: Identifier -> attribute.
_ATTRIBUTE = {row[0]: attribute for attribute, row in _BY_ATTRIBUTE.items()}
#: The attributes that are lists: these may stand several times.
_MULTIPLE = frozenset(("SubscriptionIdentifier", "UserProperty"))
_OWN = frozenset(("packetType", "types", "names", "properties"))


class Properties:
    """The properties of one packet, as attributes.

    An attribute is the name that the standard has, without the spaces. There is none until it is
    set, or came with the packet::

        properties = Properties(PacketTypes.PUBLISH)
        properties.MessageExpiryInterval = 60
        properties.UserProperty = ("unit", "celsius")
        properties.UserProperty = ("sensor", "7")

    `UserProperty` and `SubscriptionIdentifier` are lists, to which setting appends. What the
    packet type cannot have, and values out of range, raise `MQTTException`.
    """

    types = [
        "Byte", "Two Byte Integer", "Four Byte Integer", "Variable Byte Integer", "Binary Data",
        "UTF-8 Encoded String", "UTF-8 String Pair",
    ]  # fmt: skip
    #: Name -> identifier.
    names = {row[1]: row[0] for row in _TABLE}
    #: Identifier -> (index in `types`, packet types that may have it).
    properties = {row[0]: (row[2], list(row[3])) for row in _TABLE}

    def __init__(self, packetType: int):
        self.packetType = packetType

    def allowsMultiple(self, compressedName: str) -> bool:
        """Whether an attribute is a list."""
        return compressedName in _MULTIPLE

    def getIdentFromName(self, compressedName: str) -> int:
        """The identifier of an attribute; -1 where there is none."""
        row = _BY_ATTRIBUTE.get(compressedName)
        return row[0] if row else -1

    def getNameFromIdent(self, identifier: int) -> str | None:
        """The name, with spaces, of an identifier; None where there is none."""
        attribute = _ATTRIBUTE.get(identifier)
        return _BY_ATTRIBUTE[attribute][1] if attribute else None

    def __setattr__(self, name: str, value: Any) -> None:
        name = name.replace(" ", "")
        if name in _OWN:
            object.__setattr__(self, name, value)
            return
        row = _BY_ATTRIBUTE.get(name)
        if row is None:
            raise MQTTException(f"MQTT 5 has no property {name}")
        if self.packetType not in row[3]:
            raise MQTTException(f"packet type {self.packetType} cannot have {name}")
        limits = row[4]
        if limits and not isinstance(value, list) and _is_beyond(value, limits):
            raise MQTTException(f"{name} is {limits[0]} to {limits[1]}, not {value}")
        if name in _MULTIPLE:
            value = self.__dict__.get(name, []) + (value if isinstance(value, list) else [value])
        object.__setattr__(self, name, value)

    def isEmpty(self) -> bool:
        """Whether there is no property."""
        return not any(name in self.__dict__ for name in _BY_ATTRIBUTE)

    def clear(self) -> None:
        """Removes all properties."""
        for name in _BY_ATTRIBUTE:
            self.__dict__.pop(name, None)

    def json(self) -> dict[str, Any]:
        """A dictionary for JSON: Correlation Data is in hexadecimal digits."""
        data = dict(self._present())
        correlation = data.get("CorrelationData")
        if isinstance(correlation, bytes):
            data["CorrelationData"] = correlation.hex()
        return data

    def __str__(self) -> str:
        return "[" + ", ".join(f"{name} : {value}" for name, value in self._present()) + "]"

    def pack(self) -> bytes:
        """The bytes of these properties in a packet, their length first."""
        parts = [self.writeProperty(*item) for item in self._items()]
        packed = b"".join(parts)
        return VariableByteIntegers.encode(len(packed)) + packed

    def unpack(self, buffer: bytes | bytearray) -> tuple[Properties, int]:
        """Takes the properties that such bytes begin with; returns itself and their length.

        Raises `MalformedPacket` where they do not fit, `MQTTException` for properties that
        cannot be in the packet, or not twice.
        """
        self.clear()
        length, start = VariableByteIntegers.decode(buffer)
        rest = buffer[start : start + length]
        if len(rest) < length:
            raise MalformedPacket("properties end early")
        while rest:
            identifier, used = VariableByteIntegers.decode(rest)
            rest = rest[used:]
            attribute = _ATTRIBUTE.get(identifier)
            if attribute is None:
                raise MalformedPacket(f"there is no property with identifier {identifier}")
            value, used = self.readProperty(rest, _BY_ATTRIBUTE[attribute][2], len(rest))
            rest = rest[used:]
            if attribute in self.__dict__ and attribute not in _MULTIPLE:
                raise MQTTException(f"{attribute} stands there twice")
            setattr(self, attribute, value)
        return self, start + length

    def writeProperty(self, identifier: int, type: int, value: Any) -> bytes:
        """The bytes of one property."""
        return VariableByteIntegers.encode(identifier) + bytes(_WRITERS[type](value))

    def readProperty(self, buffer: bytes | bytearray, type: int, propslen: int) -> tuple[Any, int]:
        """A value of a type, from the first of `propslen` bytes, and how many it took."""
        return _READERS[type](buffer, propslen)

    def _present(self) -> list[tuple[str, Any]]:
        own = self.__dict__
        return [(name, own[name]) for name in _BY_ATTRIBUTE if name in own]

    def _items(self) -> list[tuple[int, int, Any]]:
        """What there is, as (identifier, type, value), a line for each value of a list."""
        items: list[tuple[int, int, Any]] = []
        for name, value in self._present():
            identifier, _, kind = _BY_ATTRIBUTE[name][:3]
            values = value if name in _MULTIPLE else [value]
            items.extend((identifier, kind, single) for single in values)
        return items

    def _mqttrs_list(self) -> list[tuple[int, Any]]:
        """What the native layer takes."""
        return [(identifier, value) for identifier, _, value in self._items()]

    @classmethod
    def _received(cls, packet_type: int, items: Any) -> Properties:
        """From the (identifier, value) that the library has checked already."""
        made = cls(packet_type)
        own = made.__dict__
        for identifier, value in items:
            attribute = _ATTRIBUTE[identifier]
            if attribute in _MULTIPLE:
                own.setdefault(attribute, []).append(value)
            else:
                own[attribute] = value
        return made


def _is_beyond(value: Any, limits: tuple[int, int]) -> bool:
    # What is either this or that may be of any type to be neither.
    return value not in limits if limits == (0, 1) else not limits[0] <= value <= limits[1]


class VariableByteIntegers:
    """Variable Byte Integers (MQTT 5.0 section 1.5.5)."""

    @staticmethod
    def encode(x: int) -> bytes:
        """The bytes of a number, 0 to 268435455; others raise `ValueError`."""
        if not 0 <= x <= 268435455:
            raise ValueError(f"{x!r} is not in 0 to 268435455")
        encoded = bytearray()
        while x > 127:
            encoded.append(x & 127 | 128)
            x >>= 7
        encoded.append(x)
        return bytes(encoded)

    @staticmethod
    def decode(buffer: bytes | bytearray) -> tuple[int, int]:
        """The number that `buffer` begins with and how many bytes it has.

        Raises `MalformedPacket` where it does not end within four bytes, or within the buffer.
        """
        value = 0
        for position, byte in enumerate(buffer[:4]):
            value |= (byte & 127) << 7 * position
            if byte < 128:
                return value, position + 1
        raise MalformedPacket("a Variable Byte Integer does not end")


def writeInt16(length: int) -> bytearray:
    """Two bytes, the higher one first."""
    return bytearray(struct.pack("!H", length))


def readInt16(buf: bytes | bytearray) -> int:
    """The number in the first two bytes."""
    return struct.unpack_from("!H", buf)[0]


def writeInt32(length: int) -> bytearray:
    """Four bytes, the highest one first."""
    return bytearray(struct.pack("!L", length))


def readInt32(buf: bytes | bytearray) -> int:
    """The number in the first four bytes."""
    return struct.unpack_from("!L", buf)[0]


def writeBytes(buffer: bytes | bytearray) -> bytearray:
    """The length in two bytes, and the bytes."""
    return writeInt16(len(buffer)) + buffer


def readBytes(buffer: bytes | bytearray, maxlen: int) -> tuple[bytes | bytearray, int]:
    """Binary Data that `buffer` begins with, and how many of its `maxlen` bytes that were."""
    if maxlen < 2 or readInt16(buffer) > maxlen - 2:
        raise MalformedPacket("Binary Data is longer than what holds it")
    end = 2 + readInt16(buffer)
    return buffer[2:end], end


def writeUTF(data: str | bytes) -> bytearray:
    """Text in UTF-8, behind its length in two bytes."""
    return writeBytes(data if isinstance(data, bytes) else bytes(data, "utf-8"))


def readUTF(buffer: bytes | bytearray, maxlen: int) -> tuple[str, int]:
    """Text that `buffer` begins with, and how many of its `maxlen` bytes that were.

    Characters that MQTT does not allow raise `MalformedPacket`, as Paho has it.
    """
    data, used = readBytes(buffer, maxlen)
    text = data.decode("utf-8")
    if "\0" in text or "\ufeff" in text:
        raise MalformedPacket("a string has a character that it may not have")
    return text, used


def _read_pair(buffer: bytes | bytearray, maxlen: int) -> tuple[tuple[str, str], int]:
    key, used = readUTF(buffer, maxlen)
    value, more = readUTF(buffer[used:], maxlen - used)
    return (key, value), used + more


# In the order of `Properties.types`.
_WRITERS = (
    lambda value: bytes((value,)),
    writeInt16,
    writeInt32,
    VariableByteIntegers.encode,
    writeBytes,
    writeUTF,
    lambda value: writeUTF(value[0]) + writeUTF(value[1]),
)
_READERS = (
    lambda buffer, _: (buffer[0], 1),
    lambda buffer, _: (readInt16(buffer), 2),
    lambda buffer, _: (readInt32(buffer), 4),
    lambda buffer, _: VariableByteIntegers.decode(buffer),
    readBytes,
    readUTF,
    _read_pair,
)
