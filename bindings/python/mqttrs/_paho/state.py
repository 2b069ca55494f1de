"""What a client knows: the attributes that its parts share."""

from __future__ import annotations

import logging
import socket
import threading
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from .. import _native
from ..enums import CallbackAPIVersion, MQTTProtocolVersion, PahoClientMode, _ConnectionState
from ..properties import Properties
from .constants import CleanStartOption

if TYPE_CHECKING:
    from .apply import Tls

HTTPHeader = dict[str, str]
WebSocketHeaders = Union[Callable[[HTTPHeader], HTTPHeader], HTTPHeader]


class State:
    """Annotations alone: `Client` sets all of them."""

    #: Whether what callbacks raise is only logged.
    suppress_exceptions: bool

    _core: _native.Client
    _publish: Callable[..., Any]

    # What was said when it was made.
    _callback_api_version: CallbackAPIVersion
    _client_id: bytes
    _clean_session: Optional[bool]
    _protocol: MQTTProtocolVersion
    _reconnect_on_failure: bool
    _manual_ack: bool

    # Settings.
    _userdata: Any
    _callbacks: dict[str, Any]
    _filters: dict[str, Any]
    _logger: Optional[logging.Logger]
    _host: str
    _port: int
    _keepalive: int
    _transport: str
    _bind_address: str
    _connect_timeout: float
    _connect_properties: Optional[Properties]
    _clean_start: CleanStartOption
    _username: Optional[str]
    _password: Optional[bytes]
    _max_inflight_messages: int
    _max_queued_messages: int
    _reconnect_min_delay: int
    _reconnect_max_delay: int
    _websocket_path: str
    _websocket_headers: Optional[WebSocketHeaders]
    _proxy: dict[str, Any]
    _tls: Optional["Tls"]
    _client_mode: PahoClientMode
    _will: bool
    _will_topic: str
    _will_payload: Union[bytes, bytearray]
    _will_qos: int
    _will_retain: bool
    _will_properties: Optional[Properties]

    # The connection.
    _state: _ConnectionState
    #: Whether there is a socket, and the object that stands for it, where somebody asked.
    _open: bool
    _sock: Optional[socket.socket]
    #: Counts connections, so that the end of one is not taken for that of the next.
    _connection: int
    #: Whether an event loop watches the socket for writing.
    _registered_write: bool
    #: Whether the next connection is the first one, for Clean Start.
    _first_connect: bool
    #: What CONNACK refused with; whether another attempt follows that at once.
    _refused: int
    _again: bool
    #: One attempt at a time; whether its handshakes are under way, and a CONNACK that came with
    #: their end.
    _connecting: threading.RLock
    _handshaking: bool
    _through_proxy: bool
    _connack: Optional[tuple[int, int, Any]]

    # Who runs it.
    _thread: Optional[threading.Thread]
    _terminate: bool
    #: Which thread runs the client at the moment; 0 for none.
    _turning: int
    #: The last delay between attempts; None after a success. The event ends a pause.
    _reconnect_delay: Optional[int]
    _wake: threading.Event

    # What parts call of parts that stand above them.
    def _handlers_changed(self) -> None:
        raise NotImplementedError

    def _log_changed(self) -> None:
        raise NotImplementedError

    def _ack_mode_changed(self) -> None:
        raise NotImplementedError

    def _queue_changed(self) -> None:
        raise NotImplementedError

    def _connection_closed(self) -> bool:
        raise NotImplementedError

    def _socket_gone(self) -> None:
        raise NotImplementedError

    def _connack_retried(self, code: int) -> bool:
        raise NotImplementedError

    def _run_alone(self) -> None:
        raise NotImplementedError
