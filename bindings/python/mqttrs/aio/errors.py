"""What can go wrong, as exceptions. Time limits raise ``asyncio.TimeoutError``."""

from __future__ import annotations

from .. import _native

_OUTCOMES = {
    _native.OUTCOME_EXPIRED: "its message expiry interval was over before it was sent",
    _native.OUTCOME_OVERFLOW: "it made room for a newer message",
    _native.OUTCOME_CLEARED: "the client was closed",
    _native.OUTCOME_TOO_LARGE: "it is larger than the server takes",
    _native.OUTCOME_QOS_NOT_SUPPORTED: "the server does not take its QoS",
    _native.OUTCOME_CONNECTION_LOST: "the connection was lost before it was sent",
    _native.OUTCOME_SESSION_LOST: "unknown: the server lost the session on the way",
}


class MqttError(Exception):
    """Something did not work. ``code`` is a ``MOSQ_ERR_*`` number, 0 where none fits."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class ConnectFailed(MqttError, ConnectionError):
    """There is no connection: no server was reached, or it refused."""


class ClosedError(MqttError):
    """The client is not open: it is used outside its ``async with``, or was closed meanwhile."""


class RefusedError(MqttError):
    """The server has refused what it was asked for; ``reason_code`` says why."""

    def __init__(self, what: str, reason_code: int) -> None:
        super().__init__(f"{what}: {_native.reason_string(reason_code)}")
        self.reason_code = reason_code


class PublishFailed(MqttError):
    """A message did not reach the server; ``outcome`` is one of ``OUTCOME_*``."""

    def __init__(self, outcome: int) -> None:
        super().__init__(f"message not published: {_OUTCOMES.get(outcome, outcome)}")
        self.outcome = outcome


def check(rc: int, native: _native.Client, what: str) -> None:
    """Raises for a number that a call has returned, unless it stands for success."""
    if rc == _native.ERR_SUCCESS:
        return
    if native.closed:
        raise ClosedError("the client is closed", rc)
    if rc == _native.ERR_NO_CONN:
        raise ConnectFailed(f"{what}: there is no connection", rc)
    raise MqttError(f"{what}: {native.last_error() or _native.error_string(rc)}", rc)
