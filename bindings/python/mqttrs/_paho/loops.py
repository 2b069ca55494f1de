"""Who runs a client: the program, a loop in its thread, or a thread of its own."""

from __future__ import annotations

import threading
from typing import Callable

from ..enums import MQTTErrorCode, _ConnectionState
from .connection import _ENDED, Connection
from .constants import (
    MQTT_ERR_CONN_LOST,
    MQTT_ERR_INVAL,
    MQTT_ERR_NO_CONN,
    MQTT_ERR_SUCCESS,
    MQTT_LOG_DEBUG,
)
from .errors import from_loop

# How many packets one turn may read: more is for the next one, so that others get a turn too.
_PACKETS = 1000


class Loops(Connection):
    """The loops, of which one has to run for anything to happen."""

    def loop(self, timeout: float = 1.0) -> MQTTErrorCode:
        """Runs one turn, waiting at most `timeout` seconds for something to happen.

        Does not connect again. Returns `MQTT_ERR_SUCCESS`, or why the connection has ended.
        """
        if timeout < 0.0:
            raise ValueError("timeout is not negative")
        if not self._open:
            return MQTT_ERR_NO_CONN
        return self._turn(self._core.loop, int(timeout * 1000), _PACKETS)

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:
        """Reads what has come; for event loops that found the socket readable."""
        if not self._open:
            return MQTT_ERR_NO_CONN
        return self._turn(self._core.loop_read, _PACKETS)

    def loop_write(self) -> MQTTErrorCode:
        """Writes what waits; for event loops that found the socket writable."""
        if not self._open:
            return MQTT_ERR_NO_CONN
        return self._turn(self._core.loop_write, _PACKETS)

    def loop_misc(self) -> MQTTErrorCode:
        """Keep alive and the like; for event loops to call about once a second."""
        if not self._open:
            return MQTT_ERR_NO_CONN
        return self._turn(self._core.loop_misc)

    def want_write(self) -> bool:
        """Whether bytes wait to be written."""
        return self._core.want_write()

    def loop_forever(
        self,
        timeout: float = 1.0,
        retry_first_connection: bool = False,
    ) -> MQTTErrorCode:
        """Runs the client until `disconnect()`, and connects again when the connection is lost.

        `timeout`: the longest wait in seconds. Without `reconnect_on_failure` it ends with the
        connection. Raises an `OSError` when `connect_async()` came before and the first attempt
        fails, unless `retry_first_connection`; and what callbacks raise.
        """
        self._connect_first(retry_first_connection)
        while True:
            rc = MQTT_ERR_SUCCESS
            while rc == MQTT_ERR_SUCCESS:
                rc = self._run(timeout)
                if self._terminate and rc == MQTT_ERR_SUCCESS and not self._has_work():
                    return MQTTErrorCode.MQTT_ERR_NOMEM
            if self._stopping() or not self._reconnect_on_failure:
                return rc
            self._reconnect_wait()
            if self._stopping():
                return rc
            try:
                # Where another thread of the program is at it, this one waits for that.
                with self._connecting:
                    if not self._open and self._host:
                        self.reconnect()
            except OSError:
                self._connect_failed()

    def loop_start(self) -> MQTTErrorCode:
        """Starts a thread that runs `loop_forever()`, and tries the first attempt again too.

        Returns `MQTT_ERR_INVAL` where it runs already.
        """
        if self._thread is not None:
            return MQTT_ERR_INVAL
        self._terminate = False
        self._wake.clear()
        name = "mqttrs-client-" + self._client_id.decode("utf-8")
        self._thread = threading.Thread(target=self._thread_main, name=name, daemon=True)
        self._thread.start()
        return MQTT_ERR_SUCCESS

    def loop_stop(self) -> MQTTErrorCode:
        """Ends the thread of `loop_start()` and waits for it, except inside callbacks.

        The thread first waits for the messages that are on their way, as long as the connection
        stands. Returns `MQTT_ERR_INVAL` where there is no thread.
        """
        thread = self._thread
        if thread is None:
            return MQTT_ERR_INVAL
        self._terminate = True
        self._wake.set()
        if threading.current_thread() is not thread:
            thread.join()
        return MQTT_ERR_SUCCESS

    def _run(self, timeout: float) -> MQTTErrorCode:
        """As `loop()`, for a thread that does nothing else: what is published waits for it, and is
        sent many messages at a time."""
        if timeout < 0.0:
            raise ValueError("timeout is not negative")
        if not self._open:
            return MQTT_ERR_NO_CONN
        return self._turn(self._core.run, int(timeout * 1000))

    def _thread_main(self) -> None:
        try:
            self.loop_forever(retry_first_connection=True)
        finally:
            self._thread = None

    def _connect_first(self, retry: bool) -> None:
        while self._state == _ConnectionState.MQTT_CS_CONNECT_ASYNC and not self._terminate:
            try:
                with self._connecting:
                    if not self._open:
                        self.reconnect()
            except OSError:
                self._connect_failed()
                if not retry:
                    raise
                self._state = _ConnectionState.MQTT_CS_CONNECT_ASYNC
                self._reconnect_wait()

    def _connect_failed(self) -> None:
        callback = self._callbacks.get("on_connect_fail")
        if callback is not None:
            try:
                callback(self, self._userdata)
            except Exception as error:
                self._easy_log(MQTT_LOG_DEBUG, "exception in on_connect_fail: %s", error)
        self._easy_log(MQTT_LOG_DEBUG, "connecting failed: %s", self._core.last_error())

    def _reconnect_wait(self) -> None:
        if self._reconnect_delay is None:
            self._reconnect_delay = self._reconnect_min_delay
        else:
            self._reconnect_delay = min(self._reconnect_delay * 2, self._reconnect_max_delay)
        self._wake.clear()
        if not self._stopping():
            self._wake.wait(self._reconnect_delay)

    def _stopping(self) -> bool:
        return self._terminate or self._state in _ENDED

    def _has_work(self) -> bool:
        return self._core.want_write() or self._core.stats()["queued_messages"] > 0

    def _turn(self, run: Callable[..., int], *args: int) -> MQTTErrorCode:
        """Runs a turn, and returns what it returned in Paho's numbers."""
        if self._connack:
            connack, self._connack = self._connack, None
            try:
                self._on_connack(*connack)
            except Exception as error:
                self._on_exception(error, "on_connect")
        connection = self._connection
        outer, self._turning = self._turning, threading.get_ident()
        try:
            rc = run(*args)
        finally:
            self._turning = outer
        if connection != self._connection:
            # A callback has connected anew: what ended was the connection before that.
            return MQTT_ERR_SUCCESS
        if self._again:
            self._again = False
            return self.reconnect()
        if rc == 0:
            self._write_interest()
            return MQTT_ERR_SUCCESS
        # Where there was no event of it.
        self._on_connection_end(rc, None)
        if self._state in _ENDED:
            return MQTT_ERR_SUCCESS
        return from_loop(rc) or MQTT_ERR_CONN_LOST

    def _run_alone(self) -> None:
        """Where no thread runs the client, what the program does takes effect at once."""
        watched = self._callbacks.get("on_socket_register_write")
        if self._thread is None and not self._turning and self._open and not watched:
            self.loop_write()
        else:
            self._write_interest()
