"""A client of either module with all its callbacks, and what they were told."""

from __future__ import annotations

import threading
import time
import warnings
from typing import Any

from support import PATIENCE

CALLBACKS = (
    "on_pre_connect",
    "on_connect",
    "on_connect_fail",
    "on_disconnect",
    "on_publish",
    "on_subscribe",
    "on_unsubscribe",
)
#: Random, or the broker's own business.
HIDDEN = ("AssignedClientIdentifier",)


def plain(value: Any) -> Any:
    """What a callback got, as the two modules can be compared by."""
    if hasattr(value, "json") and hasattr(value, "packetType"):
        told = value.json()
        if isinstance(told, dict):
            return {name: told[name] for name in told if name not in HIDDEN}
        return f"{type(value).__name__} {value.value} {value}"
    if hasattr(value, "_asdict"):
        return (type(value).__name__, value._asdict())
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value if isinstance(value, (int, dict)) or value is None else repr(value)


def message_of(message: Any) -> Any:
    properties = None if message.properties is None else message.properties.json()
    if properties and "MessageExpiryInterval" in properties:
        # The broker counts the seconds that it had the message.
        properties["MessageExpiryInterval"] = 90 < properties["MessageExpiryInterval"] <= 100
    return (
        message.topic,
        bytes(message.payload),
        message.qos,
        bool(message.retain),
        message.mid,
        properties,
    )


def outcome(call: Any) -> Any:
    """What a call returns, or the kind of exception that it raises."""
    try:
        return plain(call())
    except Exception as error:
        return type(error).__name__


class Recorder:
    """Calls of each kind of callback stand in a list of their own, in order."""

    def __init__(self, mqtt: Any, api: int = 2, **arguments: Any) -> None:
        self.calls: dict[str, list[Any]] = {name: [] for name in (*CALLBACKS, "on_message")}
        self._changed = threading.Condition()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.client = mqtt.Client(mqtt.CallbackAPIVersion(api), **arguments)
        self.client.reconnect_delay_set(1, 1)
        for name in CALLBACKS:
            setattr(self.client, name, self._recording(name))
        self.client.on_message = self._on_message

    def _recording(self, name: str) -> Any:
        def callback(client: Any, userdata: Any, *arguments: Any) -> None:
            assert client is self.client
            self.record(name, [plain(argument) for argument in arguments])

        return callback

    def _on_message(self, client: Any, userdata: Any, message: Any) -> None:
        self.record("on_message", message_of(message))

    def record(self, name: str, what: Any) -> None:
        with self._changed:
            self.calls.setdefault(name, []).append(what)
            self._changed.notify_all()

    def wait(self, name: str, count: int = 1) -> None:
        """Waits until a callback was called so often."""
        with self._changed:
            assert self._changed.wait_for(
                lambda: len(self.calls.get(name, [])) >= count, PATIENCE
            ), (name, count, self.calls)

    def turn_until(self, name: str, count: int = 1) -> None:
        """Runs the client in this thread until a callback was called so often."""
        deadline = time.monotonic() + PATIENCE
        while len(self.calls.get(name, [])) < count:
            assert time.monotonic() < deadline, (name, count, self.calls)
            self.client.loop(0.1)

    def connect(self, port: int, **arguments: Any) -> Recorder:
        """Connects, and runs the client in a thread."""
        self.client.connect("127.0.0.1", port, **arguments)
        self.client.loop_start()
        self.wait("on_connect")
        return self

    def end(self) -> dict[str, list[Any]]:
        """Disconnects, and gives what was told."""
        self.client.disconnect()
        self.client.loop_stop()
        return {name: calls for name, calls in self.calls.items() if calls}
