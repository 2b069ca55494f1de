"""Runs the clients of an event loop, on its own thread.

libmqttrs has one descriptor for any number of clients, readable when there is something to do, and
a time when there is at the latest. An event loop watches both: ``add_reader`` and ``call_at`` are
all it has to have, as uvloop does. A thread beside it would need two switches for each wake-up, and
each of the library's would wait for the interpreter's lock.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Optional
from weakref import WeakKeyDictionary, ref

from .. import _native

_logger = logging.getLogger("mqttrs.aio")


class Hub:
    """The clients of one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = ref(loop)
        self._native = _native.Loop()
        self._clients = 0
        self._timer: Optional[asyncio.TimerHandle] = None
        self._fd = self._native.fileno()
        loop.add_reader(self._fd, self._turn)

    def add(self, client: _native.Client) -> int:
        self._clients += 1
        return self._native.add(client)

    def remove(self, client: _native.Client) -> None:
        self._native.remove(client)
        self._clients -= 1
        loop = self._loop()
        if self._clients == 0 and loop:
            loop.remove_reader(self._fd)
            if self._timer:
                self._timer.cancel()
            self._native.close()
            _hubs.pop(loop, None)

    def _turn(self) -> None:
        self._native.run_once(0)
        if self._clients:
            self._set_timer()

    def _timed(self) -> None:
        self._timer = None
        self._turn()

    def _set_timer(self) -> None:
        timeout = self._native.timeout()
        loop = self._loop()
        if timeout < 0 or not loop:
            return
        due = loop.time() + timeout / 1000
        if self._timer:
            # One that comes too early finds nothing to do and is set anew.
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = loop.call_at(due, self._timed)


_hubs: "WeakKeyDictionary[asyncio.AbstractEventLoop, Hub]" = WeakKeyDictionary()


def hub_of(loop: asyncio.AbstractEventLoop) -> Hub:
    """The hub of this event loop, made with its first client."""
    hub = _hubs.get(loop)
    if hub is None:
        # Clients that were never left keep their hub, and with it their event loop.
        for closed in [other for other in _hubs if other.is_closed()]:
            del _hubs[closed]
        hub = _hubs[loop] = Hub(loop)
    return hub


def report(error: BaseException) -> None:
    """A handler has raised: nothing but a bug does that here, and it must not stop the others."""
    _logger.error("error in a handler", exc_info=error)
