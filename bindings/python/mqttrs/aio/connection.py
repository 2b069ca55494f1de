"""The connection of a client: what it is set up with, and where it stands."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Optional

from .. import _native
from .errors import ClosedError, ConnectFailed, MqttError, check
from .hub import Hub, hub_of, report
from .message import Message
from .options import apply_reconnect, apply_tls, apply_will, tls_from
from .properties import Properties, from_native, to_native
from .streams import Acks, Events, Messages

_EVENTS = 100
_STATES = {
    _native.LIFECYCLE_IDLE: "idle",
    _native.LIFECYCLE_CONNECTING: "connecting",
    _native.LIFECYCLE_UP: "up",
    _native.LIFECYCLE_WAITING: "waiting",
    _native.LIFECYCLE_GIVEN_UP: "given_up",
}


@dataclass(frozen=True)
class ConnectionEvent:
    """Where the connection stands.

    ``state`` is "connecting", "up", "waiting" (``delay`` seconds until the next attempt),
    "given_up" or "idle"; ``error`` says in words what went wrong before, empty for nothing.
    """

    state: str
    error: str
    host: str
    port: int
    attempt: int
    delay: float


class Connection:
    """What a client is apart from what it says."""

    #: The messages that come and that no :meth:`Client.subscribed` takes.
    messages: Messages
    #: What becomes of the connection, the last 100 events: ``async for event in client.events``.
    events: Events[ConnectionEvent]
    #: The properties of the last CONNACK.
    connack: Properties

    def __init__(self, settings: dict[str, Any]) -> None:
        self._settings = settings
        self._tls = tls_from(settings["tls"])
        if settings["overflow"] not in ("drop_new", "drop_old", "pause"):
            raise ValueError('overflow is "drop_new", "drop_old" or "pause"')
        if settings["protocol"] not in (3, 4, 5):
            raise ValueError("protocol is 5, 4 for MQTT 3.1.1, or 3 for MQTT 3.1")
        self._native: Optional[_native.Client] = None
        self._under_way = 0

    @property
    def connected(self) -> bool:
        """Whether there is a connection."""
        return self._native is not None and self._connected

    async def wait_connected(self) -> None:
        """Waits until there is a connection. Raises where none will come any more."""
        await self._up_native()

    def stats(self) -> dict[str, Any]:
        """What the client has counted: messages, bytes, reconnects, round trips (µs) and more."""
        return self._open().stats()

    # Coming

    async def _connect(self) -> None:
        if self._native:
            raise MqttError("the client is open already")
        self._loop = asyncio.get_running_loop()
        self._connected = False
        self._failed: Optional[MqttError] = None
        self._waiting: list[asyncio.Future[None]] = []
        self._empty: Optional[asyncio.Future[None]] = None
        self._under_way = 0
        self.connack = Properties()
        native = self._make()
        self._acks = Acks(native, self._settings["manual_ack"])
        self._native = native
        self.messages = self._new_messages(None)
        self.events = Events(_EVENTS)
        native.set_handler("connect", self._on_connect)
        native.set_handler("lifecycle", self._on_lifecycle)
        native.set_handler("message", self._on_message)
        native.set_handler("error", report)
        self._hub: Hub = hub_of(self._loop)
        self._first = True
        try:
            check(self._hub.add(native), native, "the event loop")
            check(self._begin(native), native, "connecting")
            await self._up_native()
        except BaseException:
            self._close()
            raise
        self._first = False

    def _make(self) -> _native.Client:
        settings = self._settings
        native = _native.Client(settings["client_id"], settings["clean_start"])
        native.message_type = Message
        results = [
            native.int_option(_native.OPT_PROTOCOL_VERSION, settings["protocol"]),
            native.int_option(_native.OPT_RECEIVE_MAXIMUM, min(settings["max_messages"], 65535)),
            native.ack_mode_set(_native.ACK_MANUAL),
            native.connect_timeout_set(max(1, round(settings["connect_timeout"] * 1000))),
            native.resubscribe_set(True),
            apply_reconnect(native, settings["reconnect"]),
        ]
        if settings["username"] is not None:
            results.append(native.username_pw_set(settings["username"], settings["password"]))
        if settings["will"]:
            results.append(apply_will(native, settings["will"]))
        if self._tls:
            results += apply_tls(native, self._tls)
        if settings["websocket"]:
            results.append(native.int_option(_native.OPT_TRANSPORT, _native.T_WEBSOCKETS))
            results.append(native.string_option(_native.OPT_HTTP_PATH, settings["path"]))
            for name, value in (settings["headers"] or {}).items():
                results.append(native.websocket_header_add(name, value))
        if settings["bind_address"]:
            results.append(native.string_option(_native.OPT_BIND_ADDRESS, settings["bind_address"]))
        proxy = settings["proxy"]
        if proxy:
            results.append(
                native.proxy_set(proxy.kind, proxy.host, proxy.port, proxy.username, proxy.password)
            )
        for rc in results:
            check(rc, native, "settings")
        return native

    def _begin(self, native: _native.Client) -> int:
        settings = self._settings
        properties = Properties(settings["properties"] or {})
        if settings["session_expiry"] is not None:
            properties["session_expiry_interval"] = settings["session_expiry"]
        host, port, keepalive = settings["host"], settings["port"], settings["keepalive"]
        if host.startswith("/"):
            if properties:
                raise MqttError("properties of CONNECT are not possible with a Unix socket")
            return native.connect_async(host, 0, keepalive)
        if port is None:
            ports = (80, 443) if settings["websocket"] else (1883, 8883)
            port = ports[self._tls is not None]
        rc = native.servers_set([(host, port, 0)])
        return rc or native.connect_servers(keepalive, to_native(properties))

    # Events

    def _on_connect(self, flags: int, rc: int, pairs: Any) -> None:
        if rc == 0:
            self.connack = from_native(pairs)
            if not flags & 1:
                self._acks.forget()
            self._connected = True
            self._changed()
        elif self._first:
            words = (
                _native.reason_string if self._settings["protocol"] == 5 else _native.connack_string
            )
            self._failed = ConnectFailed(f"the server refuses the connection: {words(rc)}", rc)
            self._changed()

    def _on_lifecycle(
        self, state: int, cause: int, error: str, host: str, port: int, attempt: int, delay: int
    ) -> None:
        self.events._put(ConnectionEvent(_STATES[state], error, host, port, attempt, delay / 1000))
        if state == _native.LIFECYCLE_UP:
            return  # CONNACK's properties come with the next event
        self._connected = False
        ended = state in (_native.LIFECYCLE_GIVEN_UP, _native.LIFECYCLE_IDLE)
        if not self._failed and (ended or (self._first and state == _native.LIFECYCLE_WAITING)):
            self._failed = ConnectFailed(error or _native.error_string(cause), cause)
        if ended:
            self.messages._end(self._failed if state == _native.LIFECYCLE_GIVEN_UP else None)
        if ended or self._failed:
            self._changed()

    def _on_message(self, message: Message) -> None:
        self.messages._arrived(message)

    def _changed(self) -> None:
        waiting, self._waiting = self._waiting, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def _one_less(self) -> None:
        self._under_way -= 1
        if self._under_way == 0 and self._empty and not self._empty.done():
            self._empty.set_result(None)

    # For what stands on this

    def _new_messages(self, maximum: Optional[int]) -> Messages:
        if maximum is None:
            maximum = self._settings["max_messages"]
        return Messages(self._acks, self._open(), max(1, maximum), self._settings["overflow"])

    def _open(self) -> _native.Client:
        if self._native is None:
            raise ClosedError('the client is not open: use it inside its "async with"')
        return self._native

    async def _up_native(self) -> _native.Client:
        while True:
            native = self._open()
            if self._connected:
                return native
            if self._failed:
                raise self._failed
            future = self._loop.create_future()
            self._waiting.append(future)
            await future

    # Going

    async def _disconnect(self, wait: bool) -> None:
        """Says goodbye to the server, after what is on its way where that is waited for."""
        native = self._native
        if not native or not self._connected:
            return
        if wait and self._under_way:
            self._empty = self._loop.create_future()
            await asyncio.wait([self._empty], timeout=self._settings["disconnect_timeout"])
        native.disconnect()
        self._failed = ClosedError("the client is closing")
        if self._connected:
            gone = self._loop.create_future()
            self._waiting.append(gone)
            await asyncio.wait([gone], timeout=self._settings["disconnect_timeout"])

    def _close(self) -> None:
        native, self._native = self._native, None
        if native is None:
            return
        self._connected = False
        self._failed = self._failed or ClosedError("the client was closed")
        self._hub.remove(native)
        native.close()
        self.messages._end()
        self.events._end()
        self._changed()
