"""Connecting, the socket of a connection, and its end."""

from __future__ import annotations

import os
import socket as socket_module
from typing import Any

from ..enums import MQTTErrorCode, MQTTProtocolVersion, _ConnectionState
from ..properties import Properties
from ..reasoncodes import ReasonCode
from .apply import apply_settings
from .constants import (
    CONNACK_REFUSED_PROTOCOL_VERSION,
    MQTT_CLEAN_START_FIRST_ONLY,
    MQTT_ERR_NO_CONN,
    MQTT_ERR_SUCCESS,
    CleanStartOption,
)
from .errors import connect_failed, from_native
from .events import Events
from .settings import Settings

_ENDED = (_ConnectionState.MQTT_CS_DISCONNECTING, _ConnectionState.MQTT_CS_DISCONNECTED)


class Connection(Events, Settings):
    """What makes a connection and ends it."""

    def connect(
        self,
        host: str,
        port: int = 1883,
        keepalive: int = 60,
        bind_address: str = "",
        bind_port: int = 0,
        clean_start: CleanStartOption = MQTT_CLEAN_START_FIRST_ONLY,
        properties: Properties | None = None,
    ) -> MQTTErrorCode:
        """Connects, and returns when CONNECT is on its way; the loop gets the answer.

        `keepalive` is in seconds, 0 for none. `clean_start` and `properties` are for MQTT 5:
        whether the session begins anew, always, never, or (the default) with the first
        connection. `bind_port` other than 0 raises `NotImplementedError`.

        Raises an `OSError` where the server cannot be reached: `ConnectionRefusedError`,
        `TimeoutError`, `socket.gaierror`, `ssl.SSLError`, `WebsocketConnectionError`;
        `ValueError` for arguments that are not valid.
        """
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            self._first_connect = True
        else:
            if clean_start != MQTT_CLEAN_START_FIRST_ONLY:
                raise ValueError("clean_start is for MQTT 5")
            if properties:
                raise ValueError("properties are for MQTT 5")
        with self._connecting:
            self._connect_to(
                host, port, keepalive, bind_address, bind_port, clean_start, properties
            )
            return self.reconnect()

    def connect_async(
        self,
        host: str,
        port: int = 1883,
        keepalive: int = 60,
        bind_address: str = "",
        bind_port: int = 0,
        clean_start: CleanStartOption = MQTT_CLEAN_START_FIRST_ONLY,
        properties: Properties | None = None,
    ) -> None:
        """Has `loop_start()` or `loop_forever()` connect; arguments as for `connect()`.

        A connection that there is ends at once, without DISCONNECT.
        """
        self._connect_to(host, port, keepalive, bind_address, bind_port, clean_start, properties)
        self._state = _ConnectionState.MQTT_CS_CONNECT_ASYNC
        self._wake.set()

    def _connect_to(
        self,
        host: str,
        port: int,
        keepalive: int,
        bind_address: str,
        bind_port: int,
        clean_start: CleanStartOption,
        properties: Properties | None,
    ) -> None:
        if bind_port < 0:
            raise ValueError("bind_port is a port number")
        if bind_port:
            raise NotImplementedError("the library cannot choose the local port; leave bind_port 0")
        self._drop_connection()
        self._state = _ConnectionState.MQTT_CS_NEW
        self.host = host
        self.port = port
        self.keepalive = keepalive
        self._bind_address = bind_address
        self._clean_start = clean_start
        self._connect_properties = properties

    def connect_srv(
        self,
        domain: str | None = None,
        keepalive: int = 60,
        bind_address: str = "",
        bind_port: int = 0,
        clean_start: CleanStartOption = MQTT_CLEAN_START_FIRST_ONLY,
        properties: Properties | None = None,
    ) -> MQTTErrorCode:
        """Connects to a server that the SRV records of `domain` name; None for this host's domain.

        Needs dnspython, as Paho does, and tries the servers in the order of their priorities.
        Raises `ValueError` where there is no record, or none of the servers answers.
        """
        try:
            import dns.resolver  # type: ignore[import-not-found]
        except ImportError:
            raise ValueError("dnspython is needed for SRV records") from None
        if domain is None:
            domain = socket_module.getfqdn().partition(".")[2]
        service = "_secure-mqtt" if self._tls is not None else "_mqtt"
        try:
            answers = sorted(
                dns.resolver.resolve(f"{service}._tcp.{domain}", "SRV"),
                key=lambda answer: (answer.priority, -answer.weight),
            )
        except (
            dns.resolver.NXDOMAIN,
            dns.resolver.NoAnswer,
            dns.resolver.NoNameservers,
        ) as error:
            raise ValueError(f"{domain} has no SRV records for MQTT") from error
        for answer in answers:
            host = answer.target.to_text().rstrip(".")
            try:
                return self.connect(
                    host, answer.port, keepalive, bind_address, bind_port, clean_start, properties
                )
            except OSError:
                continue
        raise ValueError(f"no server of {domain} answers")

    def reconnect(self) -> MQTTErrorCode:
        """Connects once more, with the arguments of the last `connect()` or `connect_async()`.

        Raises what `connect()` raises.
        """
        if not self._host:
            raise ValueError("there was no connect() that says where to")
        with self._connecting:
            self._drop_connection()
            self._state = _ConnectionState.MQTT_CS_CONNECTING
            self._call("on_pre_connect")
            apply_settings(self)
            v5 = self._protocol == MQTTProtocolVersion.MQTTv5
            core = self._core
            self._connack = None
            core.handshake_watch(True)
            try:
                rc = core.connect(
                    self._host,
                    0 if self._transport == "unix" else self._port,
                    # The library knows no keep alive of a second.
                    2 if self._keepalive == 1 else self._keepalive,
                    self._bind_address or None,
                    self._connect_properties if v5 else None,
                )
                if rc == 0:
                    rc = self._handshakes()
            finally:
                core.handshake_watch(False)
            if rc:
                raise connect_failed(core, rc, self._transport == "websockets")
            if self._state not in _ENDED:
                self._opened()
            return MQTT_ERR_SUCCESS

    def _handshakes(self) -> int:
        """Waits for proxy, TLS and WebSocket, so that what fails there is raised here."""
        if self._tls is None and self._transport != "websockets" and not self._through_proxy:
            return 0
        self._handshaking = True
        try:
            while self._state not in _ENDED:
                rc, over = self._core.handshake(100)
                # What ended a connection that stood already is the loop's to find.
                if over or self._connack:
                    return 0
                if rc:
                    return rc
        finally:
            self._handshaking = False
        return 0

    def disconnect(
        self,
        reasoncode: ReasonCode | None = None,
        properties: Properties | None = None,
    ) -> MQTTErrorCode:
        """Sends DISCONNECT and ends the loop. `reasoncode` and `properties` are for MQTT 5.

        Returns `MQTT_ERR_NO_CONN` where there is no connection.
        """
        self._wake.set()
        if not self._open:
            self._state = _ConnectionState.MQTT_CS_DISCONNECTED
            return MQTT_ERR_NO_CONN
        self._state = _ConnectionState.MQTT_CS_DISCONNECTING
        code = 0
        if self._protocol != MQTTProtocolVersion.MQTTv5:
            properties = None
        elif reasoncode is not None:
            code = reasoncode.value
        rc = self._core.disconnect(code, properties)
        self._run_alone()
        return from_native(rc)

    def is_connected(self) -> bool:
        """Whether the server has accepted the connection, and it stands."""
        return self._state == _ConnectionState.MQTT_CS_CONNECTED

    def socket(self) -> Any:
        """The socket, for event loops; None without a connection.

        It is an ordinary `socket.socket`, also with TLS and WebSocket: something to watch and to
        set options of, not to read or write.
        """
        if not self._open:
            return None
        if self._sock is None:
            descriptor = self._core.socket()
            if descriptor < 0:
                return None
            # A descriptor of its own, which is still there in on_socket_close.
            self._sock = socket_module.socket(fileno=os.dup(descriptor))
        return self._sock

    def _opened(self) -> None:
        self._open = True
        self._connection += 1
        self._queue_changed()
        self._refused = 0
        if self._callbacks.get("on_socket_open"):
            self._call("on_socket_open", self.socket())
        self._write_interest()

    def _socket_gone(self) -> None:
        """The connection has ended: tells event loops, and closes what `socket()` handed out."""
        if not self._open:
            return
        sock, self._sock = self._watched(), None
        self._open = False
        self._queue_changed()
        try:
            if self._registered_write:
                self._registered_write = False
                self._call("on_socket_unregister_write", sock)
            self._call("on_socket_close", sock)
        finally:
            if sock is not None:
                sock.close()

    def _watched(self) -> Any:
        wanted = self._callbacks.get("on_socket_close") or self._registered_write
        return self.socket() if wanted else self._sock

    def _write_interest(self) -> None:
        """Tells an event loop whether to watch the socket for writing."""
        if not self._callbacks.get("on_socket_register_write") or not self._open:
            return
        wanted = self._core.want_write()
        if wanted == self._registered_write:
            return
        self._registered_write = wanted
        name = "on_socket_register_write" if wanted else "on_socket_unregister_write"
        self._call(name, self.socket())

    def _drop_connection(self) -> None:
        """Ends a connection without DISCONNECT and without on_disconnect."""
        self._socket_gone()

    def _connection_closed(self) -> bool:
        """Whether settings may change: there is no connection, and nobody makes one."""
        if self._state == _ConnectionState.MQTT_CS_NEW:
            return True
        return self._state in _ENDED and not self._open

    def _connack_retried(self, code: int) -> bool:
        """Connects anew, with MQTT 3.1, where the server does not speak 3.1.1."""
        if (
            self._protocol != MQTTProtocolVersion.MQTTv311
            or not self._reconnect_on_failure
            or code != CONNACK_REFUSED_PROTOCOL_VERSION
        ):
            return False
        self._protocol = MQTTProtocolVersion.MQTTv31
        self._again = True
        return True
