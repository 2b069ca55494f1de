"""Every public name and signature of Paho's modules is here too, but for those listed with a reason."""

from __future__ import annotations

import enum
import importlib
import inspect
import types
from typing import Any, Iterator

import pytest
from paho_support import needs_paho

pytestmark = needs_paho

MODULES = [
    "client",
    "enums",
    "exception",
    "matcher",
    "packettypes",
    "properties",
    "publish",
    "reasoncodes",
    "subscribe",
    "subscribeoptions",
]

#: What is not the same, and why. What is listed here and is the same fails the test, too.
EXCEPTIONS = {
    "client.EAGAIN": "an errno of the sockets that the library has to itself",
    "client.HAVE_DNS": "whether Paho could import something",
    "client.sockpair_data": "a part of Paho's inside",
    "client.MQTTMessageInfo()": "made by publish() alone; here `mid` has a default",
}
#: Names of other modules, which nobody looks for there.
IMPORTED = {
    "TYPE_CHECKING", "Any", "Callable", "Literal", "NamedTuple", "Union", "annotations", "cast",
    "overload", "socks",
}  # fmt: skip


def shown_by(module: types.ModuleType, prefix: str) -> Iterator[tuple[str, Any]]:
    """What a module defines, and what `client` hands on of its own package."""
    for name, value in vars(module).items():
        if name.startswith("_") or name in IMPORTED or isinstance(value, types.ModuleType):
            continue
        home = getattr(value, "__module__", module.__name__)
        if home == module.__name__ or prefix == "client." and home.startswith(("paho.", "typing")):
            yield prefix + name, value


def members(prefix: str, kind: type) -> Iterator[tuple[str, Any]]:
    if issubclass(kind, enum.Enum):
        return
    for name, value in inspect.getmembers(kind):
        if not name.startswith("_"):
            yield f"{prefix}.{name}", value


def names_of(module: types.ModuleType, short: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    for name, value in shown_by(module, short + "."):
        names[name] = value
        if inspect.isclass(value) and value.__module__.startswith(("paho.", "mqttrs")):
            names.update(members(name, value))
            names[name + "()"] = value
    return names


def arguments(value: Any) -> Any:
    """Names, kinds and defaults of the parameters; None for what has no signature."""
    try:
        parameters = inspect.signature(value).parameters.values()
    except (TypeError, ValueError):
        return None
    return [(p.name, p.kind, plain(p.default)) for p in parameters if p.name != "self"]


def plain(value: Any) -> Any:
    """Enumerations of the two packages compare by what they say."""
    return f"{type(value).__name__} {value!r}" if type(value).__module__ != "builtins" else value


def differences(short: str) -> dict[str, str]:
    theirs = names_of(importlib.import_module("paho.mqtt." + short), short)
    module = importlib.import_module("mqttrs." + short)
    found = {}
    for name, value in theirs.items():
        ours: Any = module
        for part in name.removesuffix("()").split(".")[1:]:
            ours = getattr(ours, part, found)
            if ours is found:
                break
        if ours is found:
            found[name] = "is missing"
        elif callable(value) and not name.endswith("()") and inspect.isclass(value):
            continue
        elif callable(value):
            if arguments(value) != arguments(ours):
                found[name] = f"has {arguments(ours)}, in Paho {arguments(value)}"
        elif isinstance(value, (int, str)) and value != ours:
            found[name] = f"is {ours!r}, in Paho {value!r}"
    return found


@pytest.mark.parametrize("short", MODULES)
def test_names_signatures_and_values_are_those_of_paho(short: str) -> None:
    found = differences(short)
    unexpected = {name: what for name, what in found.items() if name not in EXCEPTIONS}
    assert not unexpected


def test_no_exception_is_listed_that_is_none() -> None:
    found = {name for short in MODULES for name in differences(short)}
    assert sorted(EXCEPTIONS) == sorted(found)


def test_settings_that_a_client_has_are_as_in_paho() -> None:
    import paho.mqtt.client as paho

    import mqttrs.client as ours

    def settings(mqtt: Any) -> dict[str, Any]:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
        names = [n for n, v in inspect.getmembers(mqtt.Client) if isinstance(v, property)]
        return {name: plain(getattr(client, name)) for name in names}

    assert settings(ours) == settings(paho)
