"""What is said about a client before it connects."""

from __future__ import annotations

import logging
from typing import Any, Callable, Literal

from ..enums import CallbackAPIVersion, MQTTProtocolVersion
from ..properties import Properties
from .constants import MQTT_BRIDGE, PayloadType
from .state import HTTPHeader, State, WebSocketHeaders  # noqa: F401


def encode_payload(payload: PayloadType) -> bytes | bytearray:
    """The bytes of a payload; `TypeError` for what can be none."""
    if isinstance(payload, (bytes, bytearray)):
        return payload
    if payload is None:
        return b""
    if isinstance(payload, str):
        return payload.encode("utf-8")
    if isinstance(payload, (int, float)):
        return str(payload).encode("ascii")
    raise TypeError("a payload is a str, bytes, a bytearray, an int, a float or None")


def _setting(name: str, doc: str, refuse: Callable[[Any], bool] = lambda value: False) -> Any:
    """A property that changes only while there is no connection."""
    private = "_" + name

    def get(self: Any) -> Any:
        return getattr(self, private)

    def put(self: Any, value: Any) -> None:
        if not self._connection_closed():
            raise RuntimeError(f"{name} cannot change while there is a connection")
        if refuse(value):
            raise ValueError(f"{value!r} is no valid {name}")
        setattr(self, private, value)
        if name == "max_queued_messages":
            # Messages may be published before connecting.
            self._queue_changed()

    return property(get, put, doc=doc + " Setting raises `RuntimeError` during a connection.")


class Settings(State):
    """Properties and methods that say how to connect; they count for the next connection."""

    host: str = _setting("host", "Name or address of the server.", lambda value: not value)
    port: int = _setting("port", "Its TCP port.", lambda value: value <= 0)
    keepalive: int = _setting("keepalive", "Keep alive in seconds.", lambda value: value < 0)
    connect_timeout: float = _setting(
        "connect_timeout", "How long connecting may take, in seconds.", lambda value: value <= 0
    )
    transport: Literal["tcp", "websockets", "unix"] = _setting(
        "transport", '"tcp", "websockets" or "unix".'
    )
    username: str | None = _setting("username", "The user name, None for none.")
    max_inflight_messages: int = _setting(
        "max_inflight_messages",
        "How many messages of QoS 1 and 2 are on their way at once; 0 for no limit.",
        lambda value: value < 0,
    )
    max_queued_messages: int = _setting(
        "max_queued_messages",
        "How many messages may wait or be on their way; 0 for no limit.",
        lambda value: value < 0,
    )

    @property
    def password(self) -> str | None:
        """The password, None for none. Setting raises `RuntimeError` during a connection."""
        return None if self._password is None else self._password.decode("utf-8")

    @password.setter
    def password(self, value: str | None) -> None:
        if not self._connection_closed():
            raise RuntimeError("password cannot change while there is a connection")
        self._password = None if value is None else value.encode("utf-8")

    @property
    def protocol(self) -> MQTTProtocolVersion:
        """The protocol version."""
        return self._protocol

    @property
    def callback_api_version(self) -> CallbackAPIVersion:
        """Which arguments callbacks get."""
        return self._callback_api_version

    @property
    def will_topic(self) -> str | None:
        """The topic of the will; empty for none."""
        return self._will_topic

    @property
    def will_payload(self) -> bytes | bytearray | None:
        """The payload of the will; empty for none."""
        return self._will_payload

    @property
    def logger(self) -> logging.Logger | None:
        """Where the log goes besides `on_log`."""
        return self._logger

    @logger.setter
    def logger(self, value: logging.Logger | None) -> None:
        self._logger = value
        self._log_changed()

    def enable_logger(self, logger: logging.Logger | None = None) -> None:
        """Sends the log to `logger`; by default to the one named `mqttrs.client`, if none is set."""
        if logger is None:
            if self._logger is not None:
                return
            logger = logging.getLogger("mqttrs.client")
        self.logger = logger

    def disable_logger(self) -> None:
        """Ends `enable_logger()`; `on_log` stays."""
        self.logger = None

    def username_pw_set(self, username: str | None, password: str | None = None) -> None:
        """Sets the credentials; None for none."""
        if username is not None and not isinstance(username, str):
            raise AttributeError("a user name is a str")
        self._username = username
        self._password = password.encode("utf-8") if isinstance(password, str) else password

    def will_set(
        self,
        topic: str,
        payload: PayloadType = None,
        qos: int = 0,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> None:
        """Sets the message that the server publishes when the connection is lost.

        Raises `ValueError` for a topic that is empty, a wrong `qos`, and properties of another
        class than `Properties`; `TypeError` for a payload that can be none.
        """
        if not topic:
            raise ValueError("a will needs a topic")
        if not 0 <= qos <= 2:
            raise ValueError("qos is 0, 1 or 2")
        if properties and not isinstance(properties, Properties):
            raise ValueError("properties are of the class Properties")
        self._will_payload = encode_payload(payload)
        self._will = True
        self._will_topic = topic
        self._will_qos = qos
        self._will_retain = retain
        self._will_properties = properties

    def will_clear(self) -> None:
        """Takes the will back."""
        self._will = False
        self._will_topic = ""
        self._will_payload = b""
        self._will_qos = 0
        self._will_retain = False
        self._will_properties = None

    def ws_set_options(self, path: str = "/mqtt", headers: WebSocketHeaders | None = None) -> None:
        """Sets path and headers of the request that begins a WebSocket connection.

        A dictionary of headers is added; a function gets the headers Host, Origin and
        Sec-WebSocket-Protocol in one and returns the headers to send.
        """
        if headers is not None and not isinstance(headers, dict) and not callable(headers):
            raise ValueError("headers are a dictionary or a function")
        self._websocket_path = path
        if headers is not None:
            self._websocket_headers = headers

    def proxy_set(self, **proxy_args: Any) -> None:
        """Connects through a proxy.

        `proxy_type` is 2 (SOCKS5) or 3 (HTTP), PySocks' numbers, `proxy_addr` its name or address,
        `proxy_port` by default 1080 or 8080, `proxy_username` and `proxy_password` optional. The
        server's name is resolved by the proxy. PySocks is not needed. SOCKS4 (1) raises
        `ValueError`.
        """
        if proxy_args.get("proxy_type") not in (2, 3) or not proxy_args.get("proxy_addr"):
            raise ValueError("proxy_type is 2 (SOCKS5) or 3 (HTTP), with a proxy_addr")
        self._proxy = proxy_args

    def max_inflight_messages_set(self, inflight: int) -> None:
        """Sets `max_inflight_messages`; 20 is the default."""
        self.max_inflight_messages = inflight

    def max_queued_messages_set(self, queue_size: int) -> Any:
        """Sets `max_queued_messages`, 0 for no limit, and returns the client."""
        if not isinstance(queue_size, int):
            raise TypeError("queue_size is an int")
        self.max_queued_messages = queue_size
        return self

    def reconnect_delay_set(self, min_delay: int = 1, max_delay: int = 120) -> None:
        """Sets the delays between attempts, in seconds: they double from the first to the last."""
        self._reconnect_min_delay = min_delay
        self._reconnect_max_delay = max_delay
        self._reconnect_delay = None

    def manual_ack_set(self, on: bool) -> None:
        """Whether the program acknowledges messages of QoS 1 and 2 itself, by `ack()`."""
        self._manual_ack = on
        self._ack_mode_changed()

    def enable_bridge_mode(self) -> None:
        """Has subscriptions not bring the client's own messages, and keep retain flags.

        With MQTT 5 by the options that the standard has for it; `NotImplementedError` below,
        where Paho marks CONNECT in a way that some servers know and the library does not.
        """
        if self._protocol != MQTTProtocolVersion.MQTTv5:
            raise NotImplementedError("bridge mode needs MQTT 5")
        self._client_mode = MQTT_BRIDGE

    def user_data_set(self, userdata: Any) -> None:
        """Sets what callbacks get as their second argument."""
        self._userdata = userdata
        self._handlers_changed()

    def user_data_get(self) -> Any:
        """What callbacks get as their second argument."""
        return self._userdata
