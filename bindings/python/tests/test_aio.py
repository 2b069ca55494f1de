"""The client for asyncio."""

from __future__ import annotations

import asyncio
import gc
import logging
import ssl
import weakref
from typing import Any

import pytest
from support import PATIENCE, Broker, Certificates, Cutter, in_loop, resident_kb

from mqttrs import aio

FAST = aio.Reconnect(delay_min=0.01, delay_max=0.1)


def here(broker: Broker, **settings: Any) -> aio.Client:
    return aio.Client("127.0.0.1", settings.pop("port", broker.port), **settings)


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
@in_loop
async def test_a_message_comes_back(broker: Broker, topic: str, qos: int, protocol: int) -> None:
    async with here(broker, protocol=protocol) as client:
        assert await client.subscribe(topic, qos) == [qos]
        assert await client.publish(topic, "grün", qos) in (0, 16)
        message = await client.messages.get()
        assert (message.topic, message.text, message.qos) == (topic, "grün", qos)


@in_loop
async def test_properties_go_both_ways_and_connack_tells_its_own(
    broker: Broker, topic: str
) -> None:
    async with here(broker) as client:
        assert client.connack.assigned_client_identifier
        assert client.connack.reason_string is None
        await client.subscribe(topic, properties={"subscription_identifier": 7})
        properties = aio.Properties(
            content_type="text/plain",
            correlation_data=b"\0\1",
            message_expiry_interval=100,
            user_property=[("a", "1"), ("a", "2")],
        )
        await client.publish(topic, b"", 1, properties=properties)
        got = (await client.messages.get()).properties
        assert got.pop("message_expiry_interval") <= 100
        del properties["message_expiry_interval"]
        assert got.pop("subscription_identifier") == [7]
        assert got == properties
        with pytest.raises(TypeError):
            await client.publish(topic, properties={"colour": "red"})
        with pytest.raises(AttributeError):
            got.colour


@in_loop
async def test_tls_with_a_client_certificate(
    broker: Broker, certificates: Certificates, topic: str
) -> None:
    c = certificates
    files = aio.TLS(ca_file=str(c.ca), certificate=str(c.client), key=str(c.client_key))
    memory = aio.TLS(
        ca_data=c.ca.read_bytes(),
        certificate_data=c.client.read_bytes(),
        key_data=c.client_key.read_bytes(),
        minimum_version="tlsv1.2",
    )
    for tls in (files, memory):
        async with here(broker, port=broker.tls_port, tls=tls) as client:
            await client.subscribe(topic, 1)
            await client.publish(topic, b"secret", 1)
            assert (await client.messages.get()).payload == b"secret"
    for tls in (aio.TLS(ca_file=str(c.ca)), aio.TLS(ca_file=str(c.client)), True):
        with pytest.raises(aio.ConnectFailed):
            async with here(broker, port=broker.tls_port, tls=tls):
                pass


def test_an_ssl_context_is_refused_and_the_words_name_what_to_use() -> None:
    with pytest.raises(NotImplementedError, match=r"mqttrs\.aio\.TLS"):
        aio.Client("127.0.0.1", tls=ssl.create_default_context())
    with pytest.raises(TypeError):
        aio.Client("127.0.0.1", tls="ca.pem")


@in_loop
async def test_websocket(broker: Broker, topic: str) -> None:
    headers = {"X-Test": "1"}
    async with here(broker, port=broker.ws_port, websocket=True, headers=headers) as client:
        await client.subscribe(topic)
        await client.publish(topic, b"framed")
        assert (await client.messages.get()).payload == b"framed"


@in_loop
async def test_the_will_is_published_for_a_lost_client_and_not_for_one_that_leaves(
    broker: Broker, topic: str
) -> None:
    cutter = Cutter(broker.port)
    will = aio.Will(topic, "left", 1, properties={"content_type": "last words"})
    lost = aio.Will(topic, "lost", 1, properties={"content_type": "last words"})
    async with here(broker) as watcher:
        await watcher.subscribe(topic, 1)
        async with here(broker, will=will):
            pass
        async with here(broker, port=cutter.port, will=lost, reconnect=None):
            cutter.cut()
            message = await watcher.messages.get()
    assert (message.text, message.properties.content_type) == ("lost", "last words")
    cutter.close()


@in_loop
async def test_the_client_connects_again_when_the_broker_comes_back(
    own_broker: Broker, topic: str
) -> None:
    async with here(own_broker, reconnect=FAST) as client:
        await client.subscribe(topic, 1)
        own_broker.stop()
        async for event in client.events:
            if event.state == "waiting":
                assert event.error and event.delay <= 0.1
                break
        assert not client.connected
        with pytest.raises(aio.ConnectFailed):
            await client.publish(topic, b"of QoS 0")
        waiting = asyncio.create_task(client.publish(topic, b"after", 1))
        own_broker.start()
        await client.wait_connected()
        await waiting
        # The broker has forgotten the subscription; the client has not.
        assert (await client.messages.get()).payload == b"after"
        assert client.stats()["reconnects"] == 1


@in_loop
async def test_subscribing_waits_for_the_connection_and_asks_again_after_a_lost_one(
    broker: Broker, topic: str
) -> None:
    cutter = Cutter(broker.port)
    async with here(broker, port=cutter.port, reconnect=FAST) as client:
        for number in range(20):
            asking = asyncio.create_task(client.subscribe(f"{topic}/{number}", 1))
            await asyncio.sleep(0)
            cutter.cut()
            assert await asking == [1]
            assert await client.unsubscribe(f"{topic}/{number}") in ([0], [17])
    cutter.close()


@in_loop
async def test_connecting_fails_with_words(broker: Broker, own_broker: Broker) -> None:
    own_broker.stop()
    with pytest.raises(aio.ConnectFailed, match="refused"):
        async with here(own_broker):
            pass
    with pytest.raises(ConnectionError):
        async with here(broker, protocol=5, tls=True):
            pass
    with pytest.raises(aio.MqttError):
        async with here(broker, properties={"topic_alias": 1}):
            pass
    with pytest.raises(ValueError):
        async with here(broker, clean_start=False):
            pass
    for wrong in ({"overflow": "no"}, {"protocol": 6}):
        with pytest.raises(ValueError):
            here(broker, **wrong)


@in_loop
async def test_a_server_that_refuses_says_why(tmp_path: Any) -> None:
    passwords = tmp_path / "passwords"
    passwords.write_text("")
    broker = Broker(tmp_path / "broker", extra=f"password_file {passwords}")
    broker.extra += "\nallow_anonymous false"
    broker.restart()
    for protocol in (4, 5):
        with pytest.raises(aio.ConnectFailed, match="(?i)not authori[sz]ed"):
            async with here(broker, username="u", password="p", protocol=protocol):
                pass
    broker.stop()


@in_loop
async def test_what_the_server_refuses_raises_with_its_reason_code(
    tmp_path: Any, topic: str
) -> None:
    access = tmp_path / "acl"
    access.write_text("topic read secret\ntopic readwrite open/#\n")
    broker = Broker(tmp_path / "broker", extra=f"acl_file {access}")
    async with here(broker) as client:
        with pytest.raises(aio.RefusedError, match="(?i)authorized") as refused:
            await client.publish("secret", b"", 1)
        assert refused.value.reason_code == 135
        assert await client.publish("open/a", b"", 1) == 16
        with pytest.raises(aio.MqttError, match="a/#/b"):
            await client.publish("a/#/b", b"")
    broker.stop()


@in_loop
async def test_streams_have_filters_of_their_own(broker: Broker, topic: str) -> None:
    async with here(broker) as client:
        await client.subscribe(topic, 1)
        async with (
            client.subscribed(f"{topic}/+", 1) as one,
            client.subscribed([f"{topic}/+", (f"{topic}/a/#", 2)], 1) as two,
        ):
            for end in ("/x", "/a/b", ""):
                await client.publish(topic + end, end, 1)
            assert (await client.messages.get()).text == ""
            assert [(await one.get()).text] == ["/x"]
            assert [(await two.get()).text for _ in range(2)] == ["/x", "/a/b"]
        with pytest.raises(aio.ClosedError):
            await one.get()
        # Nobody takes the filter's messages any more.
        await client.subscribe(f"{topic}/#", 1)
        await client.publish(f"{topic}/x", b"rest", 1)
        assert (await client.messages.get()).payload == b"rest"


@in_loop
async def test_a_message_is_acknowledged_when_the_next_one_is_asked_for(
    broker: Broker, topic: str
) -> None:
    settings = dict(
        client_id="acks" + topic[-20:].replace("/", "-"), session_expiry=100, clean_start=False
    )
    async with here(broker, **settings) as client:
        await client.subscribe(topic, 1)
        for number in range(3):
            await client.publish(topic, str(number), 1)
    got = []
    with pytest.raises(ZeroDivisionError):
        async with here(broker, **settings) as client:
            async for message in client.messages:
                got.append(message.text)
                if got == ["0", "1"]:
                    raise ZeroDivisionError
    assert got == ["0", "1"]
    async with here(broker, **settings) as client:
        async for message in client.messages:
            got.append(message.text)
            if message.text == "2":
                break
    # What is left without an error is acknowledged.
    async with here(broker, **settings) as client:
        await client.publish(topic, "end", 1)
        got.append((await client.messages.get()).text)
    assert got == ["0", "1", "1", "2", "end"]
    async with here(broker, **{**settings, "clean_start": True, "session_expiry": 0}):
        pass


@in_loop
async def test_the_server_is_held_back_by_what_nobody_has_taken(broker: Broker, topic: str) -> None:
    async with here(broker, max_messages=10) as slow, here(broker) as fast:
        await slow.subscribe(topic, 1)
        for number in range(200):
            await fast.publish(topic, str(number), 1)
        # An answer to a later question: whatever the broker wanted to send has come.
        await slow.subscribe("other")
        assert len(slow.messages) == 10
        got = [(await slow.messages.get()).text for _ in range(200)]
        assert got == [str(number) for number in range(200)]
        assert slow.messages.dropped == 0


@pytest.mark.parametrize("overflow", ["drop_new", "drop_old", "pause"])
@in_loop
async def test_messages_of_qos_0_beyond_the_limit(
    broker: Broker, topic: str, overflow: str
) -> None:
    async with here(broker, max_messages=10, overflow=overflow) as slow, here(broker) as fast:
        await slow.subscribe(topic)
        for number in range(1000):
            await fast.publish(topic, str(number))
        await fast.publish(topic, "end", 1)
        if overflow == "pause":
            got = [(await slow.messages.get()).text for _ in range(1001)]
            assert got == [*map(str, range(1000)), "end"]
            assert slow.messages.dropped == 0
            return
        await slow.subscribe("other")
        got = [(await slow.messages.get()).text for _ in range(10)]
        expected = range(10) if overflow == "drop_new" else range(991, 1001)
        assert got == ["end" if number == 1000 else str(number) for number in expected]
        assert slow.messages.dropped == 991


@in_loop
async def test_leaving_loops_again_and_again_keeps_the_window_open(
    broker: Broker, topic: str
) -> None:
    async with here(broker, max_messages=5) as client:
        await client.subscribe(topic, 1)
        for number in range(30):
            await client.publish(topic, str(number), 1)
            async for message in client.messages:
                assert message.text == str(number)
                break
        for number in range(30):
            async with client.subscribed(f"{topic}/own", 1) as own:
                await client.publish(f"{topic}/own", str(number), 1)
                await client.publish(f"{topic}/own", str(number), 1)
                async for message in own:
                    break


@in_loop
async def test_cancelling_takes_no_message_and_breaks_nothing(broker: Broker, topic: str) -> None:
    async with here(broker) as client:
        await client.subscribe(topic, 1)
        for number in range(50):
            takers = [asyncio.create_task(client.messages.get()) for _ in range(3)]
            await asyncio.sleep(0)
            publishing = asyncio.create_task(client.publish(topic, str(number), 1))
            await asyncio.sleep(0)
            takers[0].cancel()
            if number % 2:
                publishing.cancel()
            done, _ = await asyncio.wait(takers[1:], return_when=asyncio.FIRST_COMPLETED)
            assert [task.result().text for task in done] == [str(number)]
            for task in takers:
                task.cancel()
            results = await asyncio.gather(*takers, publishing, return_exceptions=True)
            assert all(
                isinstance(result, (asyncio.CancelledError, aio.Message)) or result == 0
                for result in results
            )
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(client.request("nobody", timeout=PATIENCE), 0.01)
        assert await client.publish(topic, b"", 1) == 0


@in_loop
async def test_requests_are_answered_or_time_out(broker: Broker, topic: str, caplog: Any) -> None:
    async def handler(request: aio.Message) -> bytes:
        if request.payload == b"bad":
            raise LookupError("bad request")
        await asyncio.sleep(0)
        return request.payload * 2

    for protocol in (4, 5):
        async with (
            here(broker, protocol=protocol) as client,
            here(broker, protocol=protocol) as server,
        ):
            async with server.serve(topic, handler):
                # What is sent after an answer finds the subscription made.
                await server.subscribe("other")
                assert (await client.request(topic, b"ab")).payload == b"abab"
                answers = await asyncio.gather(*(client.request(topic, str(i)) for i in range(50)))
                assert [answer.text for answer in answers] == [str(i) * 2 for i in range(50)]
                with caplog.at_level(logging.CRITICAL, "mqttrs.aio"):
                    with pytest.raises(asyncio.TimeoutError):
                        await client.request(topic, b"bad", timeout=0.2)
            with pytest.raises(asyncio.TimeoutError):
                await client.request(topic, b"too late", timeout=0.1)


@in_loop
async def test_after_the_end_everything_raises_and_iterators_end(
    broker: Broker, topic: str
) -> None:
    client = here(broker)
    with pytest.raises(aio.ClosedError):
        await client.publish(topic)
    async with client:
        iterating = asyncio.create_task(_collect(client.messages))
        getting = asyncio.create_task(client.messages.get())
        await asyncio.sleep(0)
    assert await iterating == []
    with pytest.raises(aio.ClosedError):
        await getting
    for call in (
        lambda: client.publish(topic),
        lambda: client.subscribe(topic),
        lambda: client.unsubscribe(topic),
        lambda: client.request(topic),
        lambda: client.wait_connected(),
    ):
        with pytest.raises(aio.ClosedError):
            await call()
    for call in (lambda: client.publish_nowait(topic), lambda: client.ack(None), client.stats):
        with pytest.raises((aio.ClosedError, AttributeError)):
            call()
    # It can be opened again.
    async with client:
        assert await client.publish(topic, b"", 1) in (0, 16)


async def _collect(messages: aio.Messages) -> list[str]:
    return [message.text async for message in messages]


@in_loop
async def test_leaving_waits_for_what_is_on_its_way(broker: Broker, topic: str) -> None:
    async with here(broker) as watcher:
        await watcher.subscribe(topic, 2)
        async with here(broker) as client:
            for number in range(300):
                client.publish_nowait(topic, str(number), number % 3)
        got = {int((await watcher.messages.get()).text) for _ in range(300)}
    assert got == set(range(300))


@in_loop
async def test_messages_acknowledged_by_hand(broker: Broker, topic: str) -> None:
    async with here(broker, manual_ack=True, max_messages=2) as client:
        await client.subscribe(topic, 1)
        for number in range(3):
            await client.publish(topic, str(number), 1)
        first, second = await client.messages.get(), await client.messages.get()
        third = asyncio.create_task(client.messages.get())
        await client.subscribe("other")
        assert not third.done()
        client.ack(second)
        client.ack(first)
        assert (await third).text == "2"
        with pytest.raises(aio.MqttError):
            client.ack(first)


def test_another_event_loop_than_asyncio_s_own(own_broker: Broker, topic: str) -> None:
    uvloop = pytest.importorskip("uvloop")

    async def conversation() -> None:
        async with here(own_broker, reconnect=FAST) as client:
            async with client.subscribed(topic, 2) as messages:
                await asyncio.gather(*(client.publish(topic, str(i), i % 3) for i in range(300)))
                assert {(await messages.get()).text for _ in range(300)} == set(
                    map(str, range(300))
                )
            own_broker.restart()
            await client.publish(topic, b"", 1)
            with pytest.raises(asyncio.TimeoutError):
                await client.request(topic, timeout=0.05)

    loop = uvloop.new_event_loop()
    loop.run_until_complete(asyncio.wait_for(conversation(), PATIENCE))
    loop.close()


def test_clients_of_closed_event_loops_are_collected(broker: Broker, topic: str) -> None:
    gone = []

    async def open_and_forget() -> None:
        client = here(broker)
        await client.__aenter__()
        gone.append(weakref.ref(client))

    def once() -> None:
        loop = asyncio.new_event_loop()
        loop.run_until_complete(open_and_forget())
        loop.close()

    for _ in range(4):
        once()
    # The last one is let go of when the next event loop has a client.
    gc.collect()
    assert [ref() is None for ref in gone] == [True, True, True, False]


def test_memory_does_not_grow_with_clients_and_messages(broker: Broker, topic: str) -> None:
    async def round_() -> None:
        for _ in range(20):
            async with here(broker) as client:
                await client.subscribe(topic, 1)
                await asyncio.gather(*(client.publish(topic, b"x" * 500, 1) for _ in range(50)))
                for _ in range(50):
                    await client.messages.get()

    for _ in range(2):
        asyncio.run(round_())
    before = resident_kb()
    for _ in range(5):
        asyncio.run(round_())
    grown = resident_kb() - before
    # 100 clients and 5,000 messages.
    assert grown < 2500, f"{grown} KB more"
