"""Packet types, by number and by name."""

from __future__ import annotations


class PacketTypes:
    """The numbers of the packet types (MQTT 5.0 section 2.1.2).

    `PacketTypes.PUBLISH` is a number, `PacketTypes.Names[PacketTypes.PUBLISH]` its name.
    """

    indexes = range(1, 16)

    CONNECT = 1
    CONNACK = 2
    PUBLISH = 3
    PUBACK = 4
    PUBREC = 5
    PUBREL = 6
    PUBCOMP = 7
    SUBSCRIBE = 8
    SUBACK = 9
    UNSUBSCRIBE = 10
    UNSUBACK = 11
    PINGREQ = 12
    PINGRESP = 13
    DISCONNECT = 14
    AUTH = 15

    # No packet: the properties of a will, which is a part of CONNECT.
    WILLMESSAGE = 99

    Names = (
        "reserved",
        "Connect",
        "Connack",
        "Publish",
        "Puback",
        "Pubrec",
        "Pubrel",
        "Pubcomp",
        "Subscribe",
        "Suback",
        "Unsubscribe",
        "Unsuback",
        "Pingreq",
        "Pingresp",
        "Disconnect",
        "Auth",
    )
