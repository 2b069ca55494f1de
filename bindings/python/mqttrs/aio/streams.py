"""Messages and events as asynchronous iterators."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import AsyncIterator, Deque, Generic, Optional, TypeVar

from .. import _native
from .errors import ClosedError
from .message import Message

Item = TypeVar("Item")


class Stream(Generic[Item]):
    """Items that wait, and those who wait for them."""

    def __init__(self) -> None:
        self._items: Deque[Item] = deque()
        self._waiting: Deque[asyncio.Future[None]] = deque()
        self._ended = False
        self._error: Optional[BaseException] = None

    def __len__(self) -> int:
        """How many wait to be taken."""
        return len(self._items)

    def _put(self, item: Item) -> None:
        self._items.append(item)
        self._wake()

    def _wake(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _end(self, error: Optional[BaseException] = None) -> None:
        """What is there can still be taken; then iterators end, or raise this."""
        self._ended = True
        self._error = error
        while self._waiting:
            self._wake()

    async def _take(self) -> Item:
        """The next item; raises StopAsyncIteration at the end. Cancelled, it takes none."""
        while not self._items:
            if self._error:
                raise self._error
            if self._ended:
                raise StopAsyncIteration
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            try:
                await waiter
            except asyncio.CancelledError:
                # It was woken for an item that another one may have.
                if waiter.done() and not waiter.cancelled() and self._items:
                    self._wake()
                raise
        return self._items.popleft()


class Acks:
    """Messages that several streams may have: acknowledged when all are done with them."""

    def __init__(self, native: _native.Client, manual: bool) -> None:
        self._native = native
        self._off = manual
        self._copies: dict[int, int] = {}

    def expect(self, message: Message) -> None:
        self._copies[message.mid] = self._copies.get(message.mid, 0) + 1

    def done(self, message: Message) -> None:
        left = self._copies.get(message.mid, 1) - 1
        if left > 0:
            self._copies[message.mid] = left
            return
        self._copies.pop(message.mid, None)
        if not self._off:
            # ERR_NOT_FOUND where the session was lost: then it comes again, or never.
            self._native.ack(message.mid)

    def stop(self) -> None:
        """What is not acknowledged by now is to come again."""
        self._off = True

    def forget(self) -> None:
        """The session was lost: what is acknowledged from now on came after that."""
        self._copies.clear()


class Events(Stream[Item]):
    """An iterator of events; the oldest are dropped where nobody takes them."""

    def __init__(self, maximum: int) -> None:
        super().__init__()
        self._items = deque(maxlen=maximum)

    def __aiter__(self) -> AsyncIterator[Item]:
        return self

    async def __anext__(self) -> Item:
        return await self._take()


class Messages(Stream[Message]):
    """Messages that have come, for ``async for``. Several tasks may share one.

    A message of QoS 1 or 2 is acknowledged when the loop asks for the next one or is left; it is not
    where an exception leads out of the client, and comes again in the next session. At most ``maximum`` wait here: the server sends no
    more of QoS 1 and 2 before it gets acknowledgements, and of QoS 0 ``overflow`` says what happens
    to them; ``dropped`` counts those that were dropped.
    """

    def __init__(self, acks: Acks, native: _native.Client, maximum: int, overflow: str) -> None:
        super().__init__()
        self._acks = acks
        self._native = native
        self._maximum = maximum
        self._overflow = overflow
        self._paused = False
        # With the program.
        self._in_hand: set[Message] = set()
        self.dropped = 0

    def __aiter__(self) -> "MessageIterator":
        return MessageIterator(self)

    async def get(self) -> Message:
        """The next message, which is acknowledged with that. Raises ClosedError at the end."""
        try:
            message = await self._next()
        except StopAsyncIteration:
            raise ClosedError("there are no more messages") from None
        self._done_with(message)
        return message

    async def _next(self) -> Message:
        message = await self._take()
        if message.qos:
            self._in_hand.add(message)
        if self._paused and len(self._items) <= self._maximum // 2:
            self._pause(False)
        return message

    def _done_with(self, message: Message) -> None:
        if message in self._in_hand:
            self._in_hand.discard(message)
            self._acks.done(message)

    def _arrived(self, message: Message) -> None:
        if message.qos:
            self._acks.expect(message)
            if self._ended:
                self._acks.done(message)
                return
        elif self._ended or (len(self._items) >= self._maximum and not self._has_room()):
            return
        self._put(message)

    def _has_room(self) -> bool:
        if self._overflow == "pause":
            self._pause(True)
            return True
        self.dropped += 1
        if self._overflow == "drop_new" or self._items[0].qos:
            return False
        self._items.popleft()
        return True

    def _pause(self, paused: bool) -> None:
        """Nothing more is read from the network, or a message in a quarter of an hour."""
        if self._paused != paused:
            self._paused = paused
            self._native.receive_throttle_set(messages_per_second=0.001 if paused else 0)

    def _acknowledge_all(self) -> None:
        """The program is done with all that it has."""
        for message in list(self._in_hand):
            self._done_with(message)

    def _discard(self) -> None:
        """Nobody wants these messages any more."""
        self._acknowledge_all()
        while self._items:
            message = self._items.popleft()
            if message.qos:
                self._acks.done(message)
        self._pause(False)
        self._end()


class MessageIterator:
    """One ``async for``; what it has given out is acknowledged when it is asked again."""

    def __init__(self, messages: Messages) -> None:
        self._messages = messages
        self._loop = asyncio.get_running_loop()
        self._last: Optional[Message] = None

    def __aiter__(self) -> "MessageIterator":
        return self

    async def __anext__(self) -> Message:
        if self._last is not None:
            self._messages._done_with(self._last)
            self._last = None
        message = await self._messages._next()
        if message.qos:
            self._last = message
        return message

    def __del__(self) -> None:
        if self._last is None or self._loop.is_closed():
            return
        # The loop was left. Where an exception did that, the client hears of it before this is
        # carried out, if it does not end on the way.
        self._loop.call_soon_threadsafe(self._messages._done_with, self._last)
