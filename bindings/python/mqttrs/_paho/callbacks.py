"""The callbacks of a client: what is set, and the decorators that set it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional, Union

from ..enums import MQTTErrorCode
from ..properties import Properties
from ..reasoncodes import ReasonCode
from .state import State

if TYPE_CHECKING:
    from ..client import Client, SocketLike
    from .message import MQTTMessage


class ConnectFlags(NamedTuple):
    """What CONNACK says besides its reason code."""

    #: Whether the server has a session of this client from before.
    session_present: bool


class DisconnectFlags(NamedTuple):
    """How a connection ended."""

    #: Whether the server said so by DISCONNECT, which it can in MQTT 5.
    is_disconnect_packet_from_server: bool


_Codes = list[ReasonCode]
_MaybeProperties = Optional[Properties]

CallbackOnConnect_v1_mqtt3 = Callable[["Client", Any, dict[str, Any], MQTTErrorCode], None]
CallbackOnConnect_v1_mqtt5 = Callable[
    ["Client", Any, dict[str, Any], ReasonCode, _MaybeProperties], None
]
CallbackOnConnect_v1 = Union[CallbackOnConnect_v1_mqtt5, CallbackOnConnect_v1_mqtt3]
CallbackOnConnect_v2 = Callable[["Client", Any, ConnectFlags, ReasonCode, _MaybeProperties], None]
CallbackOnConnect = Union[CallbackOnConnect_v1, CallbackOnConnect_v2]
CallbackOnConnectFail = Callable[["Client", Any], None]
CallbackOnDisconnect_v1_mqtt3 = Callable[["Client", Any, MQTTErrorCode], None]
CallbackOnDisconnect_v1_mqtt5 = Callable[
    ["Client", Any, Union[ReasonCode, int, None], _MaybeProperties], None
]
CallbackOnDisconnect_v1 = Union[CallbackOnDisconnect_v1_mqtt3, CallbackOnDisconnect_v1_mqtt5]
CallbackOnDisconnect_v2 = Callable[
    ["Client", Any, DisconnectFlags, ReasonCode, _MaybeProperties], None
]
CallbackOnDisconnect = Union[CallbackOnDisconnect_v1, CallbackOnDisconnect_v2]
CallbackOnLog = Callable[["Client", Any, int, str], None]
CallbackOnMessage = Callable[["Client", Any, "MQTTMessage"], None]
CallbackOnPreConnect = Callable[["Client", Any], None]
CallbackOnPublish_v1 = Callable[["Client", Any, int], None]
CallbackOnPublish_v2 = Callable[["Client", Any, int, ReasonCode, Properties], None]
CallbackOnPublish = Union[CallbackOnPublish_v1, CallbackOnPublish_v2]
CallbackOnSocket = Callable[["Client", Any, "SocketLike"], None]
CallbackOnSubscribe_v1_mqtt3 = Callable[["Client", Any, int, tuple[int, ...]], None]
CallbackOnSubscribe_v1_mqtt5 = Callable[["Client", Any, int, _Codes, Properties], None]
CallbackOnSubscribe_v1 = Union[CallbackOnSubscribe_v1_mqtt3, CallbackOnSubscribe_v1_mqtt5]
CallbackOnSubscribe_v2 = Callable[["Client", Any, int, _Codes, _MaybeProperties], None]
CallbackOnSubscribe = Union[CallbackOnSubscribe_v1, CallbackOnSubscribe_v2]
CallbackOnUnsubscribe_v1_mqtt3 = Callable[["Client", Any, int], None]
CallbackOnUnsubscribe_v1_mqtt5 = Callable[
    ["Client", Any, int, Properties, Union[ReasonCode, _Codes]], None
]
CallbackOnUnsubscribe_v1 = Union[CallbackOnUnsubscribe_v1_mqtt3, CallbackOnUnsubscribe_v1_mqtt5]
CallbackOnUnsubscribe_v2 = Callable[["Client", Any, int, _Codes, _MaybeProperties], None]
CallbackOnUnsubscribe = Union[CallbackOnUnsubscribe_v1, CallbackOnUnsubscribe_v2]


def _callback(name: str, doc: str) -> Any:
    def get(self: Any) -> Any:
        return self._callbacks.get(name)

    def put(self: Any, func: Any) -> None:
        self._callback_set(name, func)

    return property(get, put, doc=doc)


def _decorator(name: str) -> Any:
    def decorator_of(self: Any) -> Callable[[Any], Any]:
        def decorator(func: Any) -> Any:
            setattr(self, name, func)
            return func

        return decorator

    decorator_of.__doc__ = f"Decorates the function that becomes `{name}`."
    return decorator_of


class Callbacks(State):
    """The callbacks, each as a property and as a decorator.

    All run one at a time, in the thread that runs the loop, and may call any method of the
    client. Where one raises, the exception comes out of the loop, which ends it; with
    `suppress_exceptions` it is logged and the loop goes on.

    Arguments stand below for `CallbackAPIVersion.VERSION2`; `client` and `userdata` are always
    the first two. Reason codes are `ReasonCode`, properties `Properties`, empty below MQTT 5.
    """

    def _callback_set(self, name: str, func: Any) -> None:
        raise NotImplementedError

    on_pre_connect: CallbackOnPreConnect | None = _callback(
        "on_pre_connect", "`(client, userdata)`: before each attempt to connect."
    )
    pre_connect_callback = _decorator("on_pre_connect")

    on_connect: CallbackOnConnect | None = _callback(
        "on_connect",
        """`(client, userdata, connect_flags, reason_code, properties)`: the server has answered.

        `connect_flags` is `ConnectFlags`. In version 1 `(client, userdata, flags, rc)` below
        MQTT 5 and `(client, userdata, flags, reason_code, properties)` with it, where
        `flags["session present"]` is 0 or 1 and `rc` a `ConnackCode`.
        """,
    )
    connect_callback = _decorator("on_connect")

    on_connect_fail: CallbackOnConnectFail | None = _callback(
        "on_connect_fail",
        "`(client, userdata)`: a loop could not reach the server. What it raises is logged.",
    )
    connect_fail_callback = _decorator("on_connect_fail")

    on_disconnect: CallbackOnDisconnect | None = _callback(
        "on_disconnect",
        """`(client, userdata, disconnect_flags, reason_code, properties)`: a connection ended.

        `disconnect_flags` is `DisconnectFlags`. Where the program has disconnected, the reason
        code is 0. In version 1 `(client, userdata, rc)` below MQTT 5, with an `MQTTErrorCode`,
        and `(client, userdata, reason_code, properties)` with it, where `reason_code` is an
        `MQTTErrorCode` unless it came from the server.
        """,
    )
    disconnect_callback = _decorator("on_disconnect")

    on_message: CallbackOnMessage | None = _callback(
        "on_message",
        """`(client, userdata, message)`: an `MQTTMessage` has come that no filter's callback has.

        A message of QoS 1 or 2 is acknowledged when its callbacks have returned, unless
        `manual_ack` is set.
        """,
    )
    message_callback = _decorator("on_message")

    on_publish: CallbackOnPublish | None = _callback(
        "on_publish",
        """`(client, userdata, mid, reason_code, properties)`: a message has left the client.

        With QoS 1 and 2: the server has acknowledged it. In version 1
        `(client, userdata, mid)`.
        """,
    )
    publish_callback = _decorator("on_publish")

    on_subscribe: CallbackOnSubscribe | None = _callback(
        "on_subscribe",
        """`(client, userdata, mid, reason_code_list, properties)`: SUBACK has come.

        In version 1 `(client, userdata, mid, granted_qos)` below MQTT 5, with a tuple of
        numbers.
        """,
    )
    subscribe_callback = _decorator("on_subscribe")

    on_unsubscribe: CallbackOnUnsubscribe | None = _callback(
        "on_unsubscribe",
        """`(client, userdata, mid, reason_code_list, properties)`: UNSUBACK has come.

        Below MQTT 5 the list is empty. In version 1 `(client, userdata, mid)` below MQTT 5 and
        `(client, userdata, mid, properties, reason_codes)` with it, where a single code stands
        without a list.
        """,
    )
    unsubscribe_callback = _decorator("on_unsubscribe")

    on_log: CallbackOnLog | None = _callback(
        "on_log",
        "`(client, userdata, level, buf)`: a line of the log, with an `MQTT_LOG_*` level.",
    )
    log_callback = _decorator("on_log")

    on_socket_open: CallbackOnSocket | None = _callback(
        "on_socket_open",
        "`(client, userdata, sock)`: there is a socket, which an event loop may watch.",
    )
    socket_open_callback = _decorator("on_socket_open")

    on_socket_close: CallbackOnSocket | None = _callback(
        "on_socket_close", "`(client, userdata, sock)`: the socket is about to be closed."
    )
    socket_close_callback = _decorator("on_socket_close")

    on_socket_register_write: CallbackOnSocket | None = _callback(
        "on_socket_register_write",
        "`(client, userdata, sock)`: watch the socket for writing, then call `loop_write()`.",
    )
    socket_register_write_callback = _decorator("on_socket_register_write")

    on_socket_unregister_write: CallbackOnSocket | None = _callback(
        "on_socket_unregister_write", "`(client, userdata, sock)`: no longer watch it for writing."
    )
    socket_unregister_write_callback = _decorator("on_socket_unregister_write")


#: The names of all callbacks.
CALLBACK_NAMES = tuple(
    name for name, value in vars(Callbacks).items() if isinstance(value, property)
)
