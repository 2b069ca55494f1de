"""The client for asyncio."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial
from types import TracebackType
from typing import Any, AsyncIterator, Awaitable, Callable, Optional, Sequence, Type, Union

from .. import _native
from .connection import Connection
from .errors import ClosedError, MqttError, PublishFailed, RefusedError, check
from .hub import report
from .message import Message
from .options import TLS, Payload, Proxy, Reconnect, Will
from .properties import PropertiesLike, to_native
from .streams import Messages

Filters = Union[str, "tuple[str, int]", Sequence[Union[str, "tuple[str, int]"]]]
Handler = Callable[[Message], Awaitable[Payload]]


class Client(Connection):
    """An MQTT client for asyncio, which is connected inside its ``async with``.

    It belongs to the event loop and the thread in which it was entered. When the connection is
    lost it connects again by itself, and makes subscriptions again where the server has lost them.

    :param host: name or address of the server, or the path of a Unix socket, beginning with "/"
    :param port: by default 1883, with TLS 8883, with WebSocket 80, with both 443
    :param client_id: by default the server, or below MQTT 5 the library, makes one up
    :param username: and ``password``: credentials
    :param protocol: 5, 4 for MQTT 3.1.1, 3 for MQTT 3.1
    :param keepalive: seconds
    :param clean_start: False continues the session of this ``client_id``
    :param session_expiry: how many seconds the server keeps the session (MQTT 5)
    :param will: what the server publishes when the connection is lost
    :param tls: True, or a :class:`TLS`
    :param websocket: MQTT in WebSocket; ``path`` and ``headers`` are those of its request
    :param proxy: on the way to the server
    :param properties: MQTT 5 properties of CONNECT
    :param reconnect: when to connect again; None for never
    :param connect_timeout: seconds that an attempt may take
    :param disconnect_timeout: seconds that leaving may wait for what is on its way
    :param max_messages: how many received messages may wait in ``messages`` and each other stream
    :param overflow: what happens to messages of QoS 0 beyond that: "drop_new", "drop_old", or
        "pause", with which nothing at all is read until there is room, acknowledgements neither:
        then do not wait in the loop that takes the messages for what the server has to answer
    :param manual_ack: messages are acknowledged by :meth:`ack` and not otherwise
    """

    def __init__(
        self,
        host: str,
        port: Optional[int] = None,
        *,
        client_id: Optional[str] = None,
        username: Optional[str] = None,
        password: Optional[str] = None,
        protocol: int = 5,
        keepalive: int = 60,
        clean_start: bool = True,
        session_expiry: Optional[int] = None,
        will: Optional[Will] = None,
        tls: Union[TLS, bool, None] = None,
        websocket: bool = False,
        path: str = "/mqtt",
        headers: Optional[dict[str, str]] = None,
        proxy: Optional[Proxy] = None,
        bind_address: Optional[str] = None,
        properties: PropertiesLike = None,
        reconnect: Optional[Reconnect] = Reconnect(),
        connect_timeout: float = 30.0,
        disconnect_timeout: float = 5.0,
        max_messages: int = 1000,
        overflow: str = "drop_new",
        manual_ack: bool = False,
    ) -> None:
        given = {name: value for name, value in locals().items() if name != "self"}
        given.pop("__class__", None)
        super().__init__(given)
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams: dict[str, list[Messages]] = {}

    async def __aenter__(self) -> "Client":
        await self._connect()
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        for task in self._tasks:
            task.cancel()
        try:
            if kind is None:
                self.messages._acknowledge_all()
            else:
                self._acks.stop()
            await self._disconnect(wait=kind is None)
        finally:
            self._close()
            for streams in self._streams.values():
                for stream in streams:
                    stream._end()
            self._streams.clear()

    # Publishing

    async def publish(
        self,
        topic: str,
        payload: Payload = None,
        qos: int = 0,
        retain: bool = False,
        properties: PropertiesLike = None,
    ) -> int:
        """Publishes, and waits for the server's acknowledgement; with QoS 0 until it was sent.

        Returns the reason code: 0, or 16 where there are no subscribers (MQTT 5). A message of QoS
        1 or 2 waits for a connection where there is none. Cancelled, the message is sent all the
        same. Raises RefusedError where the server refuses it, PublishFailed where it was not
        sent, ConnectFailed for QoS 0 without a connection, ClosedError.
        """
        native = self._open()
        future: asyncio.Future[int] = self._loop.create_future()
        callback = partial(self._published, future)
        publication = native.publish(topic, payload, qos, retain, to_native(properties), callback)
        check(publication.rc, native, f"publishing to {topic!r}")
        self._under_way += 1
        return await future

    def publish_nowait(
        self,
        topic: str,
        payload: Payload = None,
        qos: int = 0,
        retain: bool = False,
        properties: PropertiesLike = None,
    ) -> None:
        """Publishes without waiting for anything. Raises where the message is not accepted."""
        native = self._open()
        callback = partial(self._published, None) if qos else None
        publication = native.publish(topic, payload, qos, retain, to_native(properties), callback)
        check(publication.rc, native, f"publishing to {topic!r}")
        if callback:
            self._under_way += 1

    def _published(
        self, future: Optional[asyncio.Future[int]], outcome: int, reason_code: int, _: Any
    ) -> None:
        self._one_less()
        if future is None or future.done():
            return
        if outcome == _native.OUTCOME_SENT:
            future.set_result(0)
        elif outcome == _native.OUTCOME_CLEARED and self._native is None:
            future.set_exception(ClosedError("the client was closed before the message was sent"))
        elif outcome != _native.OUTCOME_ACKNOWLEDGED:
            future.set_exception(PublishFailed(outcome))
        elif reason_code >= 128:
            future.set_exception(RefusedError("message refused", reason_code))
        else:
            future.set_result(reason_code)

    # Subscribing

    async def subscribe(
        self,
        filters: Filters,
        qos: int = 0,
        *,
        no_local: bool = False,
        retain_as_published: bool = False,
        retain_handling: int = 0,
        properties: PropertiesLike = None,
    ) -> list[int]:
        """Subscribes, and waits for the answer: the granted QoS of each filter.

        ``filters`` is one, or a list; each is a str or a pair of str and QoS. What comes is in
        ``messages``. Waits for a connection where there is none. Raises RefusedError where the
        server refuses one of them.
        """
        options = retain_handling << 4
        options |= _native.SUB_OPT_NO_LOCAL if no_local else 0
        options |= _native.SUB_OPT_RETAIN_AS_PUBLISHED if retain_as_published else 0
        wanted = [(name, level, options) for name, level in _pairs(filters, qos)]
        pairs = to_native(properties)
        codes = await self._asked(lambda native, done: native.subscribe(wanted, pairs, done))
        for (name, *_), code in zip(wanted, codes):
            if code >= 128:
                raise RefusedError(f"subscription to {name!r} refused", code)
        return codes

    async def unsubscribe(
        self, filters: Filters, *, properties: PropertiesLike = None
    ) -> list[int]:
        """Ends subscriptions, and waits for the answer: a code for each, below MQTT 5 none."""
        names = [name for name, _ in _pairs(filters, 0)]
        pairs = to_native(properties)
        return await self._asked(lambda native, done: native.unsubscribe(names, pairs, done))

    @asynccontextmanager
    async def subscribed(
        self, filters: Filters, qos: int = 0, *, max_messages: Optional[int] = None, **options: Any
    ) -> AsyncIterator[Messages]:
        """Subscribes for as long as the ``async with`` lasts, and gives what matches the filters.

        These messages do not come to ``messages``. Several may have the same filter, and each then
        gets all its messages. ``options`` are those of :meth:`subscribe`.
        """
        native = self._open()
        stream = self._new_messages(max_messages)
        names = [name for name, _ in _pairs(filters, qos)]
        try:
            for name in names:
                if name not in self._streams:
                    rc = native.message_callback_add(name, self._arrived, name)
                    check(rc, native, f"the filter {name!r}")
                self._streams.setdefault(name, []).append(stream)
            await self.subscribe(filters, qos, **options)
            yield stream
        finally:
            stream._discard()
            try:
                unused = [name for name in names if self._alone(name, stream)]
                if unused and self.connected:
                    await self.unsubscribe(unused)
            finally:
                # Until now it took, for nothing, what was on its way.
                self._let_go(names, stream)

    def _arrived(self, name: str, message: Message) -> None:
        for stream in self._streams.get(name, ()):
            stream._arrived(message)

    def _alone(self, name: str, stream: Messages) -> bool:
        """Whether no other stream has this filter."""
        return all(other is stream or other._ended for other in self._streams.get(name, ()))

    def _let_go(self, names: Sequence[str], stream: Messages) -> None:
        for name in names:
            streams = self._streams.get(name, [])
            if stream in streams:
                streams.remove(stream)
            if not streams and self._streams.pop(name, None) is not None and self._native:
                self._native.message_callback_remove(name)

    async def _asked(self, ask: Callable[[_native.Client, Any], "tuple[int, int]"]) -> list[int]:
        """The answer to a SUBSCRIBE or UNSUBSCRIBE, which is asked again after a reconnect."""
        while True:
            native = await self._up_native()
            future: asyncio.Future[tuple[int, list[int]]] = self._loop.create_future()
            rc, _ = ask(native, partial(_answered, future))
            if rc == _native.ERR_NO_CONN:
                # The end of the connection is about to be told.
                await asyncio.sleep(0)
                continue
            check(rc, native, "subscriptions")
            outcome, codes = await future
            if outcome == _native.OUTCOME_ACKNOWLEDGED:
                return codes
            if outcome == _native.OUTCOME_CLEARED:
                raise ClosedError("the client was closed before the answer came")

    def ack(self, message: Message, reason_code: int = 0) -> None:
        """Acknowledges a message of QoS 1 or 2 of a client with ``manual_ack``.

        A ``reason_code`` of 128 or more refuses it (MQTT 5). Any order.
        """
        native = self._open()
        check(native.ack(message.mid, reason_code), native, "acknowledgement")

    # Requests

    async def request(
        self,
        topic: str,
        payload: Payload = None,
        qos: int = 1,
        *,
        timeout: float = 30.0,
        properties: PropertiesLike = None,
    ) -> Message:
        """Publishes a request, and returns the response.

        In MQTT 5 with Response Topic and Correlation Data, below by topics, as the C function
        mqttrs_request describes. Raises asyncio.TimeoutError after ``timeout`` seconds.
        """
        native = self._open()
        future: asyncio.Future[tuple[int, Optional[Message]]] = self._loop.create_future()
        milliseconds = max(1, round(timeout * 1000))
        callback = partial(self._responded, future)
        pairs = to_native(properties)
        rc = native.request(topic, payload, qos, pairs, milliseconds, callback)
        check(rc, native, f"request to {topic!r}")
        rc, response = await future
        if response is not None:
            return response
        if rc == _native.ERR_TIMEOUT:
            raise asyncio.TimeoutError(f"no response from {topic!r} in {timeout} seconds")
        if rc == _native.ERR_NO_CONN:
            raise ClosedError("the client was closed before the response came", rc)
        raise MqttError(f"request to {topic!r}: {_native.error_string(rc)}", rc)

    def _responded(self, future: asyncio.Future[Any], rc: int, response: Optional[Message]) -> None:
        if response is not None and response.qos and self._native:
            self._native.ack(response.mid)
        if not future.done():
            future.set_result((rc, response))

    @asynccontextmanager
    async def serve(self, topic: str, handler: Handler, qos: int = 1) -> AsyncIterator[None]:
        """Answers requests to a topic for as long as the ``async with`` lasts.

        ``handler`` is an async function that gets a message and returns the payload of the
        response; each request has a task of its own. Where it raises, that is logged, and there is
        no response. With "$share/NAME/topic" the clients of one NAME share the requests.
        """
        native = self._open()
        check(native.serve(topic, qos, self._requested, handler), native, f"serving {topic!r}")
        try:
            yield
        finally:
            if self._native:
                self._native.serve(topic, qos, None)

    def _requested(self, handler: Handler, request: Message) -> None:
        task = self._loop.create_task(self._respond(handler, request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _respond(self, handler: Handler, request: Message) -> None:
        try:
            payload = await handler(request)
            if self._native:
                self._native.respond(request, payload, request.qos)
        except Exception as error:
            report(error)
        if request.qos and self._native:
            self._native.ack(request.mid)


def _answered(future: asyncio.Future[Any], outcome: int, codes: list[int], _: Any) -> None:
    if not future.done():
        future.set_result((outcome, codes))


def _pairs(filters: Filters, qos: int) -> list[tuple[str, int]]:
    if isinstance(filters, (str, tuple)):
        filters = [filters]
    return [(one, qos) if isinstance(one, str) else (one[0], one[1]) for one in filters]
