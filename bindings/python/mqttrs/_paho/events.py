"""From what the library tells to the callbacks of the program."""

from __future__ import annotations

from typing import Any

from ..enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion, _ConnectionState
from ..packettypes import PacketTypes
from ..properties import Properties
from ..reasoncodes import ReasonCode
from .callbacks import Callbacks, ConnectFlags, DisconnectFlags
from .constants import (
    LOGGING_LEVEL,
    MQTT_ERR_SUCCESS,
    MQTT_LOG_ERR,
    ConnackCode,
    LogLevel,
    convert_connack_rc_to_reason_code,
    convert_disconnect_error_code_to_reason_code,
)
from .errors import from_loop

_OUTCOME_ACKNOWLEDGED = 1
_VERSION1 = CallbackAPIVersion.VERSION1
_V5 = MQTTProtocolVersion.MQTTv5


class Events(Callbacks):
    """Handlers of the native client, which call the program's callbacks."""

    def _handlers_set(self) -> None:
        core = self._core
        core.set_handler("connect", self._on_connack)
        core.set_handler("disconnect", self._on_connection_end)
        core.set_handler("error", self._on_exception)
        self._handlers_changed()

    def _handlers_changed(self) -> None:
        """What the program has set, or its user data, has changed."""
        # These go straight from C to the program.
        core = self._core
        core.set_handler("message", self._callbacks.get("on_message"), self, self._userdata)
        for sub, callback in list(self._filters.items()):
            core.message_callback_add(sub, callback, self, self._userdata)
        for name, handler in (
            ("publish", self._on_outcome),
            ("subscribe", self._on_suback),
            ("unsubscribe", self._on_unsuback),
        ):
            wanted = self._callbacks.get("on_" + name) is not None
            core.set_handler(name, handler if wanted else None)
        self._log_changed()

    def _log_changed(self) -> None:
        wanted = self._logger is not None or self._callbacks.get("on_log") is not None
        self._core.set_handler("log", self._on_log_line if wanted else None)

    def _callback_set(self, name: str, func: Any) -> None:
        self._callbacks[name] = func
        self._handlers_changed()

    def _call(self, name: str, *args: Any) -> None:
        """Calls a callback outside the native client's handlers; its exceptions are treated alike."""
        callback = self._callbacks.get(name)
        if callback is None:
            return
        try:
            callback(self, self._userdata, *args)
        except Exception as error:
            self._on_exception(error, name)

    def _on_exception(self, error: Exception, name: str = "a callback") -> None:
        self._easy_log(MQTT_LOG_ERR, "exception in %s: %s", name, error)
        if not self.suppress_exceptions:
            raise error

    def _on_log_line(self, level: int, text: str) -> None:
        self._easy_log(LogLevel(level), "%s", text)

    def _easy_log(self, level: LogLevel, text: str, *args: Any) -> None:
        on_log = self._callbacks.get("on_log")
        if on_log is not None:
            try:
                on_log(self, self._userdata, level, text % args)
            except Exception:
                # Logged, it would come here again.
                pass
        if self._logger is not None:
            self._logger.log(LOGGING_LEVEL[level], text, *args)

    def _on_connack(self, flags: int, code: int, items: Any) -> None:
        if self._handshaking:
            # Told by the loop, not inside connect().
            self._connack = (flags, code, items)
            return
        v5 = self._protocol == _V5
        properties = Properties._received(PacketTypes.CONNACK, items or ())
        self._first_connect = False
        if code == 0:
            self._state = _ConnectionState.MQTT_CS_CONNECTED
            self._reconnect_delay = None
            self._keepalive = getattr(properties, "ServerKeepAlive", self._keepalive)
        elif self._connack_retried(code):
            return
        self._refused = code
        callback = self._callbacks.get("on_connect")
        if callback is None:
            return
        session_present = flags & 1
        if self._callback_api_version != _VERSION1:
            present = ConnectFlags(session_present=bool(session_present))
            callback(self, self._userdata, present, self._connack_reason(code), properties)
        elif v5:
            reason = self._connack_reason(code)
            flags_dict = {"session present": session_present}
            callback(self, self._userdata, flags_dict, reason, properties)
        else:
            rc = ConnackCode(code) if code < 6 else code
            callback(self, self._userdata, {"session present": session_present}, rc)

    def _connack_reason(self, code: int) -> ReasonCode:
        if self._protocol != _V5:
            return convert_connack_rc_to_reason_code(code)  # type: ignore[arg-type]
        try:
            return ReasonCode(PacketTypes.CONNACK, identifier=code)
        except (KeyError, ValueError):
            return ReasonCode(PacketTypes.CONNACK, "Unspecified error")

    def _on_connection_end(self, code: int, items: Any) -> None:
        if not self._open:
            # Told already, or a connection that was never handed out.
            return
        by_program = self._state in (
            _ConnectionState.MQTT_CS_DISCONNECTING,
            _ConnectionState.MQTT_CS_DISCONNECTED,
        )
        self._socket_gone()
        if self._again:
            return
        # A DISCONNECT of the server's without a reason counts as a lost connection in the library.
        from_server = not by_program and not self._refused and code >= 128
        if by_program:
            self._state = _ConnectionState.MQTT_CS_DISCONNECTED
            rc = MQTT_ERR_SUCCESS
        else:
            self._state = _ConnectionState.MQTT_CS_CONNECTION_LOST
            rc = MQTT_ERR_SUCCESS if from_server else self._loss(code)
        callback = self._callbacks.get("on_disconnect")
        if callback is None:
            return
        reason = None
        properties = None
        if from_server:
            reason = self._reason(PacketTypes.DISCONNECT, code)
            properties = Properties._received(PacketTypes.DISCONNECT, items or ())
        if self._callback_api_version != _VERSION1:
            flags = DisconnectFlags(is_disconnect_packet_from_server=from_server)
            reason = reason or convert_disconnect_error_code_to_reason_code(rc)
            properties = properties or Properties(PacketTypes.DISCONNECT)
            callback(self, self._userdata, flags, reason, properties)
        elif self._protocol == _V5:
            callback(self, self._userdata, reason if from_server else rc, properties)
        else:
            callback(self, self._userdata, rc)

    def _loss(self, code: int) -> MQTTErrorCode:
        """Why a connection ended, which the program did not want."""
        if self._refused:
            refused = 0 < self._refused < 6
            self._refused = 0
            if refused:
                return MQTTErrorCode.MQTT_ERR_CONN_REFUSED
            return MQTTErrorCode.MQTT_ERR_PROTOCOL
        return from_loop(code) or MQTTErrorCode.MQTT_ERR_CONN_LOST

    def _on_outcome(self, mid: int, outcome: int, code: int, items: Any) -> None:
        callback = self._callbacks.get("on_publish")
        # What was dropped was never published.
        if callback is None or outcome > _OUTCOME_ACKNOWLEDGED:
            return
        if self._callback_api_version == _VERSION1:
            callback(self, self._userdata, mid)
            return
        reason = self._reason(PacketTypes.PUBACK, code)
        properties = Properties._received(PacketTypes.PUBACK, items or ())
        callback(self, self._userdata, mid, reason, properties)

    def _on_suback(self, mid: int, codes: list[int], items: Any) -> None:
        callback = self._callbacks.get("on_subscribe")
        if callback is None:
            return
        if self._callback_api_version == _VERSION1 and self._protocol != _V5:
            callback(self, self._userdata, mid, tuple(codes))
            return
        reasons = [self._reason(PacketTypes.SUBACK, code) for code in codes]
        properties = Properties._received(PacketTypes.SUBACK, items or ())
        callback(self, self._userdata, mid, reasons, properties)

    def _on_unsuback(self, mid: int, codes: list[int], items: Any) -> None:
        callback = self._callbacks.get("on_unsubscribe")
        if callback is None:
            return
        v5 = self._protocol == _V5
        if self._callback_api_version == _VERSION1 and not v5:
            callback(self, self._userdata, mid)
            return
        reasons = [self._reason(PacketTypes.UNSUBACK, code) for code in codes] if v5 else []
        properties = Properties._received(PacketTypes.UNSUBACK, items or ())
        if self._callback_api_version == _VERSION1:
            single = reasons[0] if len(reasons) == 1 else reasons
            callback(self, self._userdata, mid, properties, single)
        else:
            callback(self, self._userdata, mid, reasons, properties)

    @staticmethod
    def _reason(packet_type: int, code: int) -> ReasonCode:
        """A reason code of the server; one that the packet cannot have is an unspecified error."""
        try:
            return ReasonCode(packet_type, identifier=code)
        except (KeyError, ValueError):
            return ReasonCode(packet_type, "Unspecified error")
