"""Paho's client for Python on libmqttrs: `import mqttrs.client as mqtt` and nothing else changes.

A client is run by a loop: `loop_start()`, `loop_forever()`, or an event loop of the program's::

    import mqttrs.client as mqtt

    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.connect("localhost")
    client.loop_start()
    client.publish("greetings/world", "hello", qos=1).wait_for_publish()
    client.disconnect()

Any thread may call a client, and so may its callbacks.
"""

from __future__ import annotations

import socket  # noqa: F401
import ssl  # noqa: F401
import threading
import uuid
import warnings
from typing import Any, Literal, Protocol

from . import _native
from ._paho.callbacks import *  # noqa: F403
from ._paho.callbacks import (
    CALLBACK_NAMES,
    CallbackOnMessage as CallbackOnMessage,
    ConnectFlags as ConnectFlags,
    DisconnectFlags as DisconnectFlags,
)
from ._paho.constants import *  # noqa: F403
from ._paho.constants import (
    MQTT_CLEAN_START_FIRST_ONLY as MQTT_CLEAN_START_FIRST_ONLY,
    MQTT_CLIENT as MQTT_CLIENT,
    MQTT_ERR_NO_CONN as MQTT_ERR_NO_CONN,
    MQTT_ERR_SUCCESS as MQTT_ERR_SUCCESS,
    CleanStartOption as CleanStartOption,
    PayloadType as PayloadType,
    _base62,
)
from ._paho.errors import (
    WebsocketConnectionError as WebsocketConnectionError,
    from_native,
)
from ._paho.message import (
    MQTTMessage as MQTTMessage,
    MQTTMessage5,
    MQTTMessageInfo as MQTTMessageInfo,
    _native_rc,
)
from ._paho.settings import (
    HTTPHeader as HTTPHeader,
    WebSocketHeaders as WebSocketHeaders,
)
from ._paho.subscriptions import Subscriptions
from .enums import (
    CallbackAPIVersion as CallbackAPIVersion,
    ConnackCode as ConnackCode,
    LogLevel as LogLevel,
    MessageState as MessageState,
    MessageType as MessageType,
    MQTTErrorCode as MQTTErrorCode,
    MQTTProtocolVersion as MQTTProtocolVersion,
    PahoClientMode as PahoClientMode,
    _ConnectionState,
)
from .exception import (
    MalformedPacket as MalformedPacket,
    MQTTException as MQTTException,
)
from .matcher import (
    MQTTMatcher as MQTTMatcher,
)
from .packettypes import (
    PacketTypes as PacketTypes,
)
from .properties import Properties as Properties
from .reasoncodes import (
    ReasonCode as ReasonCode,
    ReasonCodes as ReasonCodes,
)
from .subscribeoptions import (
    SubscribeOptions as SubscribeOptions,
)

MQTTv31 = MQTTProtocolVersion.MQTTv31
MQTTv311 = MQTTProtocolVersion.MQTTv311
MQTTv5 = MQTTProtocolVersion.MQTTv5


class SocketLike(Protocol):
    """What `Client.socket()` gives, as far as programs should use it."""

    def fileno(self) -> int:
        """The descriptor to watch."""


class Client(Subscriptions):
    """An MQTT client with the interface of Paho's.

    Its methods stand by their concern in the classes that it is made of: callbacks, settings,
    TLS, the connection, loops, subscriptions; publishing is here.
    """

    def __init__(
        self,
        callback_api_version: CallbackAPIVersion = CallbackAPIVersion.VERSION1,
        client_id: str | None = "",
        clean_session: bool | None = None,
        userdata: Any = None,
        protocol: MQTTProtocolVersion = MQTTv311,
        transport: Literal["tcp", "websockets", "unix"] = "tcp",
        reconnect_on_failure: bool = True,
        manual_ack: bool = False,
    ) -> None:
        """A client that is not connected yet.

        `callback_api_version` says which arguments callbacks get. `client_id` empty or None: the
        server chooses one, below MQTT 3.1.1 a random one is made. `clean_session` is for MQTT 3:
        False keeps the session, and needs a `client_id`; MQTT 5 has `clean_start` of `connect()`.
        `userdata` is what callbacks get. With `transport="unix"` the host is a path.
        `reconnect_on_failure`: loops connect again. `manual_ack`: the program calls `ack()`.

        Raises `ValueError` and `TypeError` for what does not fit together.
        """
        if callback_api_version == CallbackAPIVersion.VERSION1:
            warnings.warn(
                "callback API version 1 is deprecated: use CallbackAPIVersion.VERSION2",
                category=DeprecationWarning,
                stacklevel=2,
            )
        if isinstance(callback_api_version, str):
            raise TypeError(
                "the first argument is a CallbackAPIVersion since paho-mqtt 2: "
                "see docs/migrations.rst there"
            )
        if not isinstance(callback_api_version, CallbackAPIVersion):
            raise ValueError("callback_api_version is a CallbackAPIVersion")
        transport = transport.lower()  # type: ignore[assignment]
        if transport not in ("tcp", "websockets", "unix"):
            raise ValueError(f'transport is "tcp", "websockets" or "unix", not {transport!r}')
        client_id = client_id or ""
        if protocol == MQTTv5:
            if clean_session is not None:
                raise ValueError("clean_session is for MQTT 3; with MQTT 5 there is clean_start")
        elif clean_session is None:
            clean_session = True
        elif not clean_session and not client_id:
            raise ValueError("a session that is kept needs a client_id")
        if not client_id and protocol == MQTTv31:
            client_id = _base62(uuid.uuid4().int, padding=22)
        if isinstance(client_id, bytes):
            client_id = client_id.decode("utf-8")

        self._callback_api_version = callback_api_version
        self._client_id = client_id.encode("utf-8")
        self._clean_session = clean_session
        self._protocol = protocol
        self._transport = transport
        self._reconnect_on_failure = reconnect_on_failure
        self._manual_ack = manual_ack
        self.suppress_exceptions = False
        self._defaults_set(userdata)
        self._core_set(clean_session is not False)

    def _defaults_set(self, userdata: Any) -> None:
        self._userdata = userdata
        # A subclass may have methods of these names instead.
        self._callbacks = {
            name: getattr(self, name)
            for name in CALLBACK_NAMES
            if not isinstance(getattr(type(self), name), property)
        }
        self._filters = {}
        self._host = ""
        self._port = 1883
        self._keepalive = 60
        self._bind_address = ""
        self._connect_timeout = 5.0
        self._connect_properties = None
        self._clean_start = MQTT_CLEAN_START_FIRST_ONLY
        self._first_connect = True
        self._username = None
        self._password = None
        self._max_inflight_messages = 20
        self._max_queued_messages = 0
        self._reconnect_min_delay = 1
        self._reconnect_max_delay = 120
        self._reconnect_delay = None
        self._websocket_path = "/mqtt"
        self._websocket_headers = None
        self._proxy = {}
        self._tls = None
        self._client_mode = MQTT_CLIENT
        self._logger = None
        self.will_clear()
        self._state = _ConnectionState.MQTT_CS_NEW
        self._open = False
        self._connection = 0
        self._sock = None
        self._registered_write = False
        self._refused = 0
        self._again = False
        self._thread = None
        self._terminate = False
        self._turning = 0
        self._connecting = threading.RLock()
        self._handshaking = False
        self._through_proxy = False
        self._connack = None
        self._wake = threading.Event()

    def _core_set(self, clean: bool) -> None:
        core = _native.Client(self._client_id.decode("utf-8") or None, clean)
        core.message_type = MQTTMessage5 if self._protocol == MQTTv5 else MQTTMessage
        core.publication_type = MQTTMessageInfo
        self._core = core
        self._publish = core.publish
        self._handlers_set()
        self._ack_mode_changed()
        self._queue_changed()

    def _queue_changed(self) -> None:
        # Between connect() and the server's answer messages of QoS 0 wait, too.
        self._core.queue_set(max_messages=self._max_queued_messages, queue_qos0=self._open)

    def reinitialise(
        self, client_id: str = "", clean_session: bool = True, userdata: Any = None
    ) -> None:
        """Makes the client anew, with MQTT 3.1.1; what waits is dropped."""
        version = self._callback_api_version
        self._drop_connection()
        self._core.close()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            self.__init__(version, client_id, clean_session, userdata)  # type: ignore[misc]

    def publish(
        self,
        topic: str,
        payload: PayloadType = None,
        qos: int = 0,
        retain: bool = False,
        properties: Properties | None = None,
    ) -> MQTTMessageInfo:
        """Publishes a message. `properties` are for MQTT 5.

        Returns at once; the `MQTTMessageInfo` can wait for the end. Its `rc` is
        `MQTT_ERR_NO_CONN` without a connection, in which case messages of QoS 1 and 2 wait for
        the next one all the same, and `MQTT_ERR_QUEUE_SIZE` where the queue is full.

        Raises `ValueError` for a topic that is empty, too long or has wildcards, a wrong `qos`
        and a payload of more than 268435455 bytes; `TypeError` for a payload that can be none.
        """
        info = self._publish(topic, payload, qos, retain, properties)
        rc = _rc_of(info)
        if rc or not self._open:
            self._publish_told(info, rc, topic, qos)
        return info

    def _publish_told(self, info: MQTTMessageInfo, rc: int, topic: str, qos: int) -> None:
        if rc == 0 or rc == MQTT_ERR_NO_CONN:
            _native_rc.__set__(info, MQTT_ERR_SUCCESS if self._open else MQTT_ERR_NO_CONN)
            return
        if not 0 <= qos <= 2:
            raise ValueError("qos is 0, 1 or 2")
        if rc == _native.ERR_PAYLOAD_SIZE:
            raise ValueError("a payload has at most 268435455 bytes")
        code = from_native(rc)
        if code == MQTTErrorCode.MQTT_ERR_INVAL:
            raise ValueError(f"{topic!r} is no topic that can be published to")
        _native_rc.__set__(info, code)


_rc_of = _native_rc.__get__
