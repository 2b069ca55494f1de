"""Subscribing, callbacks of topic filters, and acknowledging what has come."""

from __future__ import annotations

from typing import Any, Callable, Union

from .. import _native
from ..enums import MQTTErrorCode, MQTTProtocolVersion
from ..properties import Properties
from ..subscribeoptions import SubscribeOptions
from .callbacks import CallbackOnMessage
from .constants import MQTT_BRIDGE, MQTT_ERR_NO_CONN, MQTT_ERR_SUCCESS
from .errors import from_native
from .message import MQTTMessage
from .tls import TlsSettings

_Topic = Union[
    str,
    tuple[str, int],
    tuple[str, SubscribeOptions],
    list[tuple[str, int]],
    list[tuple[str, SubscribeOptions]],
]
_OUTCOME_CLEARED = 4


class Subscriptions(TlsSettings):
    """What a client wants to hear, and who hears it."""

    def subscribe(
        self,
        topic: _Topic,
        qos: int = 0,
        options: SubscribeOptions | None = None,
        properties: Properties | None = None,
    ) -> tuple[MQTTErrorCode, int | None]:
        """Subscribes to one topic filter or several, with one packet.

        ======================================= ===================================
        `subscribe("a/b", 1)`                   one filter, with its QoS
        `subscribe("a/b", options=options)`     MQTT 5: with `SubscribeOptions`
        `subscribe(("a/b", 1))`                 the same as a pair; MQTT 5 wants
                                                `SubscribeOptions` in it
        `subscribe([("a/b", 1), ("c", 2)])`     several, each with QoS or options
        ======================================= ===================================

        Returns the result and the `mid` that `on_subscribe` will get;
        `(MQTT_ERR_NO_CONN, None)` without a connection. Raises `ValueError` for what is no topic
        filter or QoS.
        """
        v5 = self._protocol == MQTTProtocolVersion.MQTTv5
        if isinstance(topic, list):
            if not topic:
                raise ValueError("there is no topic filter in the list")
            pairs = topic
        else:
            pairs = [_single(topic, qos, options, v5)]
        asked = [_subscription(filter_, option, v5) for filter_, option in pairs]
        if not self._open:
            return MQTT_ERR_NO_CONN, None
        if v5 and self._client_mode == MQTT_BRIDGE:
            bits = _native.SUB_OPT_NO_LOCAL | _native.SUB_OPT_RETAIN_AS_PUBLISHED
            asked = [(filter_, level, option | bits) for filter_, level, option in asked]
        rc, mid = self._core.subscribe(asked, properties if v5 else None)
        return self._asked(rc, mid)

    def unsubscribe(
        self, topic: str | list[str], properties: Properties | None = None
    ) -> tuple[MQTTErrorCode, int | None]:
        """Ends the subscription to a topic filter, or to those of a list.

        Returns and raises as `subscribe()`; `on_unsubscribe` gets the answer.
        """
        filters = [topic] if isinstance(topic, str) else topic
        if not isinstance(filters, list):
            raise ValueError("topic is a str or a list of them")
        for filter_ in filters:
            if not isinstance(filter_, str) or not filter_:
                raise ValueError("a topic filter is a str that is not empty")
        if not self._open:
            return MQTT_ERR_NO_CONN, None
        v5 = self._protocol == MQTTProtocolVersion.MQTTv5
        rc, mid = self._core.unsubscribe(filters, properties if v5 else None)
        return self._asked(rc, mid)

    def _asked(self, rc: int, mid: int) -> tuple[MQTTErrorCode, int | None]:
        if rc:
            code = from_native(rc)
            if code == MQTTErrorCode.MQTT_ERR_INVAL:
                raise ValueError(self._core.last_error() or "an argument is not valid")
            return code, None
        self._run_alone()
        return MQTT_ERR_SUCCESS, mid

    def message_callback_add(self, sub: str, callback: CallbackOnMessage) -> None:
        """Sets the callback for messages whose topics the filter `sub` matches.

        They go to the callbacks of all filters that match, and to `on_message` only where none
        does. Subscribes to nothing.
        """
        if callback is None or sub is None:
            raise ValueError("a topic filter and a callback are needed")
        self._filters[sub] = callback
        # What is no topic filter matches nothing.
        self._core.message_callback_add(sub, callback, self, self._userdata)

    def topic_callback(self, sub: str) -> Callable[[CallbackOnMessage], CallbackOnMessage]:
        """Decorates a function for `message_callback_add(sub, ...)`."""

        def decorator(func: CallbackOnMessage) -> CallbackOnMessage:
            self.message_callback_add(sub, func)
            return func

        return decorator

    def message_callback_remove(self, sub: str) -> None:
        """Takes the callback of a filter back; nothing happens where it has none."""
        if sub is None:
            raise ValueError("a topic filter is needed")
        if self._filters.pop(sub, None) is not None:
            self._core.message_callback_remove(sub)

    def ack(self, mid: int, qos: int) -> MQTTErrorCode:
        """Acknowledges a message of QoS 1 or 2, where `manual_ack` is set; from any thread.

        `MQTT_ERR_NOT_FOUND` where no message with this `mid` waits for it.
        """
        if not self._manual_ack or qos not in (1, 2):
            return MQTT_ERR_SUCCESS
        return from_native(self._core.ack(mid))

    def _ack_mode_changed(self) -> None:
        mode = _native.ACK_MANUAL if self._manual_ack else _native.ACK_AFTER_CALLBACK
        self._core.ack_mode_set(mode)

    def drop_out_messages(self) -> list[MQTTMessage]:
        """Drops the messages that were never sent; what was sent stays, as the server may have it.

        Returns them as messages that have only their `mid`; inside callbacks the list is empty.
        """
        dropped: list[MQTTMessage] = []

        def collect(mid: int, outcome: int, code: int, items: Any) -> None:
            if outcome == _OUTCOME_CLEARED:
                dropped.append(MQTTMessage(mid))
            else:
                self._on_outcome(mid, outcome, code, items)

        self._core.set_handler("publish", collect)
        try:
            self._core.queue_clear()
            # Who runs the client tells of them.
            self._core.loop_misc()
        finally:
            self._handlers_changed()
        return dropped


def _single(topic: Any, qos: int, options: Any, v5: bool) -> tuple[Any, Any]:
    if isinstance(topic, tuple):
        filter_, option = topic
        if v5 and not isinstance(option, SubscribeOptions):
            raise ValueError("with MQTT 5 a pair has SubscribeOptions")
        if not v5 and not isinstance(option, int):
            raise TypeError("below MQTT 5 a pair has a QoS")
        return filter_, option
    if not isinstance(topic, str):
        raise ValueError("topic is a str, a pair or a list of pairs")
    if not 0 <= qos <= 2:
        raise ValueError("qos is 0, 1 or 2")
    if not v5 or options is None:
        return topic, qos
    if qos != 0:
        raise ValueError("the QoS stands in the options where there are some")
    if not isinstance(options, SubscribeOptions):
        raise ValueError("options are SubscribeOptions")
    return topic, options


def _subscription(filter_: Any, option: Any, v5: bool) -> tuple[str, int, int]:
    if not isinstance(filter_, str) or _native.check_filter(filter_):
        raise ValueError(f"{filter_!r} is no topic filter")
    if isinstance(option, SubscribeOptions):
        if not v5:
            raise ValueError("SubscribeOptions are for MQTT 5")
        bits = option.pack()[0]
        return filter_, bits & 3, bits & ~3
    if not 0 <= option <= 2:
        raise ValueError("qos is 0, 1 or 2")
    return filter_, option, 0
