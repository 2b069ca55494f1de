"""MQTT 5 properties with Python's names."""

from __future__ import annotations

from typing import Any, Iterable, Mapping, Optional, Union

from .. import _native

_IDENTIFIERS = {
    info[0].replace("-", "_"): identifier
    for identifier in range(1, 128)
    if (info := _native.property_info(identifier))
}
_NAMES = {identifier: name for name, identifier in _IDENTIFIERS.items()}
# These may come several times: their value is a list.
_LISTS = {"user_property", "subscription_identifier"}


class Properties(dict):
    """The properties of a packet, by name: ``Properties(content_type="text/plain")``.

    Names are those of MQTT 5 in lower case with underscores, such as ``message_expiry_interval``
    (seconds), ``response_topic`` or ``correlation_data`` (bytes). They can be read as attributes
    too; those that are not there are None. ``user_property`` is a list of pairs of str, or when it
    is made a dict, ``subscription_identifier`` a list of int.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name in self:
            if name not in _IDENTIFIERS:
                raise TypeError(f"MQTT 5 has no property {name!r}")

    def __getattr__(self, name: str) -> Any:
        if name in _IDENTIFIERS:
            return self.get(name)
        raise AttributeError(name)

    def _mqttrs_list(self) -> list[tuple[int, Any]]:
        pairs: list[tuple[int, Any]] = []
        for name, value in self.items():
            identifier = _IDENTIFIERS[name]
            if name not in _LISTS:
                pairs.append((identifier, value))
                continue
            if isinstance(value, Mapping):
                value = value.items()
            elif isinstance(value, int):
                value = [value]
            for one in value:
                pairs.append((identifier, tuple(one) if name == "user_property" else one))
        return pairs


PropertiesLike = Union[Properties, Mapping[str, Any], None]


def to_native(properties: PropertiesLike) -> Optional[list[tuple[int, Any]]]:
    """What the native layer takes."""
    if not properties:
        return None
    if not isinstance(properties, Properties):
        properties = Properties(properties)
    return properties._mqttrs_list()


def from_native(pairs: Optional[Iterable[tuple[int, Any]]]) -> Properties:
    """The properties in what the native layer gives."""
    properties = Properties()
    for identifier, value in pairs or ():
        name = _NAMES[identifier]
        if name in _LISTS:
            properties.setdefault(name, []).append(value)
        else:
            properties[name] = value
    return properties
