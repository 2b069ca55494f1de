"""The native layer: what mqttrs.client and mqttrs.aio stand on."""

from __future__ import annotations

import gc
import threading
import time
import weakref
from typing import Any, Iterator

import pytest
from support import PATIENCE, Broker, Cutter, resident_kb, wait_until

from mqttrs import _native as n


class Running:
    """A client with a loop in a thread."""

    def __init__(self, port: int, client_id: str = None, clean: bool = True, protocol: int = 5):
        self.client = n.Client(client_id, clean)
        self.client.int_option(n.OPT_PROTOCOL_VERSION, protocol)
        self.client.reconnect_set(delay_min=10, delay_max=100)
        self.client.resubscribe_set(True)
        self.loop = n.Loop()
        self.ups = threading.Semaphore(0)
        self.messages: list[n.Message] = []
        self.arrived = threading.Semaphore(0)
        self.client.set_handler("connect", self._up)
        self.client.set_handler("message", self._message)
        self.port = port
        self.thread: threading.Thread = None

    def _up(self, flags: int, rc: int, properties: Any) -> None:
        assert rc == 0
        self.ups.release()

    def _message(self, message: n.Message) -> None:
        self.messages.append(message)
        self.arrived.release()

    def start(self) -> "Running":
        assert self.loop.add(self.client) == n.ERR_SUCCESS
        assert self.client.connect_async("127.0.0.1", self.port, 60) == n.ERR_SUCCESS
        self.thread = threading.Thread(target=self.loop.run, daemon=True)
        self.thread.start()
        assert self.ups.acquire(timeout=PATIENCE)
        return self

    def subscribe(self, filter_: str, qos: int = 2) -> list[int]:
        answered = threading.Event()
        answer: list[Any] = []

        def done(outcome: int, codes: list[int], _: Any) -> None:
            answer[:] = codes
            answered.set()

        assert self.client.subscribe([(filter_, qos)], None, done)[0] == n.ERR_SUCCESS
        assert answered.wait(PATIENCE)
        return answer

    def take(self, count: int) -> list[n.Message]:
        for _ in range(count):
            assert self.arrived.acquire(timeout=PATIENCE)
        return self.messages

    def stop(self) -> None:
        self.client.disconnect()
        self.loop.stop()
        if self.thread:
            self.thread.join(PATIENCE)
            assert not self.thread.is_alive()
        self.loop.remove(self.client)
        self.client.close()


@pytest.fixture
def running(broker: Broker) -> Iterator[Running]:
    it = Running(broker.port).start()
    yield it
    it.stop()


@pytest.mark.parametrize("protocol", [3, 4, 5])
@pytest.mark.parametrize("qos", [0, 1, 2])
def test_a_message_comes_back_in_the_qos_it_was_sent_with(
    broker: Broker, topic: str, qos: int, protocol: int
) -> None:
    running = Running(broker.port, protocol=protocol).start()
    assert running.subscribe(topic) == [2]
    publication = running.client.publish(topic, b"\0payload\xff", qos)
    assert publication.rc == n.ERR_SUCCESS
    assert publication.wait(PATIENCE)
    expected = n.OUTCOME_SENT if qos == 0 else n.OUTCOME_ACKNOWLEDGED
    assert (publication.outcome, publication.reason_code) == (expected, 0)
    (message,) = running.take(1)
    assert (message.topic, message.payload, message.qos) == (topic, b"\0payload\xff", qos)
    assert (message.mid > 0) == (qos > 0)
    running.stop()


@pytest.mark.parametrize(
    "payload, sent",
    [
        ("grün", "grün".encode()),
        (b"", b""),
        (None, b""),
        (bytearray(b"ab"), b"ab"),
        (memoryview(b"abcd")[1:3], b"bc"),
        (42, b"42"),
        (1.5, b"1.5"),
    ],
)
def test_payloads_of_all_kinds(running: Running, topic: str, payload: Any, sent: bytes) -> None:
    running.subscribe(topic)
    assert running.client.publish(topic, payload, 1).rc == 0
    assert running.take(1)[0].payload == sent


def test_what_makes_no_sense_raises_and_what_mqtt_forbids_is_an_error_number(
    running: Running,
) -> None:
    client = running.client
    for wrong in (("t", object()), (None, b""), ("t", b"", "one"), ("t", b"", 0, False, 5)):
        with pytest.raises((TypeError, AttributeError)):
            client.publish(*wrong)
    with pytest.raises(ValueError):
        client.publish("t", b"", 0, False, [(n.PROP_TOPIC_ALIAS, 70000)])
    with pytest.raises(ValueError):
        client.publish("t", b"", 0, False, [(99, 1)])
    with pytest.raises(UnicodeEncodeError):
        client.publish("\ud800")
    assert client.publish("a/+").rc == n.ERR_INVAL
    assert client.publish("a\0b").rc == n.ERR_INVAL
    assert client.publish("t", b"", 3).rc == n.ERR_INVAL
    assert client.publish("t", b"", 2**40).rc == n.ERR_INVAL
    assert client.publish("t").rc == n.ERR_SUCCESS


def test_properties_go_out_and_come_in_their_order(running: Running, topic: str) -> None:
    running.subscribe(topic)
    properties = [
        (n.PROP_PAYLOAD_FORMAT_INDICATOR, 1),
        (n.PROP_MESSAGE_EXPIRY_INTERVAL, 4_000_000_000),
        (n.PROP_CONTENT_TYPE, "text/plain"),
        (n.PROP_RESPONSE_TOPIC, "antwort/ö"),
        (n.PROP_CORRELATION_DATA, b"\0\1\2"),
        (n.PROP_USER_PROPERTY, ("a", "1")),
        (n.PROP_USER_PROPERTY, ("a", "")),
    ]
    assert running.client.publish(topic, b"", 1, False, properties).rc == 0
    got = running.take(1)[0].property_list
    assert sorted(got, key=repr) == sorted(properties, key=repr)
    users = [value for identifier, value in got if identifier == n.PROP_USER_PROPERTY]
    assert users == [("a", "1"), ("a", "")]


def test_a_handler_that_raises_is_reported_and_the_connection_goes_on(
    running: Running, topic: str
) -> None:
    errors: list[Exception] = []
    fine = threading.Event()

    def raises(message: n.Message) -> None:
        if message.payload == b"bad":
            raise KeyError("bad message")
        fine.set()

    running.client.set_handler("message", raises)
    running.client.set_handler("error", errors.append)
    running.subscribe(topic)
    running.client.publish(topic, b"bad", 1)
    running.client.publish(topic, b"good", 1)
    assert fine.wait(PATIENCE)
    assert [type(error) for error in errors] == [KeyError]
    assert errors[0].__traceback__ is not None
    assert running.client.stats()["reconnects"] == 0


def test_what_the_error_handler_raises_comes_out_of_run_and_nothing_is_lost(
    broker: Broker, topic: str
) -> None:
    running = Running(broker.port)
    got: list[bytes] = []

    def raises(message: n.Message) -> None:
        got.append(message.payload)
        raise ArithmeticError(message.payload)

    def again(error: Exception) -> None:
        raise error

    running.client.set_handler("message", raises)
    running.client.set_handler("error", again)
    running.client.set_handler(
        "connect",
        lambda *_: running.client.subscribe(
            [(topic, 1)],
            None,
            lambda *_: [running.client.publish(topic, str(i), 1) for i in range(3)],
        ),
    )
    running.loop.add(running.client)
    running.client.connect_async("127.0.0.1", running.port, 60)
    for number in range(3):
        with pytest.raises(ArithmeticError, match=str(number)):
            running.loop.run(PATIENCE * 1000)
    assert got == [b"0", b"1", b"2"]
    running.stop()


def test_handlers_of_filters_get_what_matches_and_the_general_one_the_rest(
    running: Running, topic: str
) -> None:
    got: dict[str, list[str]] = {"plus": [], "hash": []}
    for name, filter_ in (("plus", f"{topic}/+"), ("hash", f"{topic}/a/#")):
        assert (
            running.client.message_callback_add(
                filter_, lambda which, message: got[which].append(message.topic), name
            )
            == 0
        )
    assert running.client.message_callback_add("a/#/b", print) == n.ERR_INVAL
    running.subscribe(f"{topic}/#")
    for end in ("/x", "/a/b", "/a", ""):
        running.client.publish(topic + end, b"", 1)
    running.take(1)
    assert got == {"plus": [f"{topic}/x", f"{topic}/a"], "hash": [f"{topic}/a/b", f"{topic}/a"]}
    assert running.client.message_callback_remove(f"{topic}/+") == 0
    assert running.client.message_callback_remove(f"{topic}/+") == n.ERR_NOT_FOUND
    running.client.publish(f"{topic}/x", b"", 1)
    assert running.take(1)[-1].topic == f"{topic}/x"


def test_a_handler_can_replace_itself_and_call_everything(running: Running, topic: str) -> None:
    second = threading.Event()

    def first(message: n.Message) -> None:
        running.client.set_handler("message", lambda _: second.set())
        gc.collect()
        running.client.stats()
        running.client.last_error()
        running.client.subscribe([("other", 0)])
        assert running.client.publish(topic, b"2", 1).rc == 0

    running.client.set_handler("message", first)
    running.subscribe(topic)
    running.client.publish(topic, b"1", 1)
    assert second.wait(PATIENCE)


def test_messages_are_acknowledged_when_their_handlers_have_run(broker: Broker, topic: str) -> None:
    first = Running(
        broker.port, client_id="after" + topic.replace("/", "-"), clean=False, protocol=4
    )
    first.client.ack_mode_set(n.ACK_AFTER_CALLBACK)
    entered, leave = threading.Event(), threading.Event()

    def slow(message: n.Message) -> None:
        entered.set()
        leave.wait(PATIENCE)

    first.client.set_handler("message", slow)
    first.start()
    first.subscribe(topic, 1)
    first.client.publish(topic, b"once", 1)
    assert entered.wait(PATIENCE)
    # As if the process had died inside the handler.
    first.client.close()
    leave.set()
    second = Running(
        broker.port, client_id="after" + topic.replace("/", "-"), clean=False, protocol=4
    )
    second.client.ack_mode_set(n.ACK_AFTER_CALLBACK)
    second.start()
    assert second.take(1)[0].payload == b"once"
    # What comes after that acknowledgement was sent shows that it was.
    assert second.client.publish(topic, b"more", 1).wait(PATIENCE)
    second.take(1)
    second.stop()
    third = Running(
        broker.port, client_id="after" + topic.replace("/", "-"), clean=True, protocol=4
    )
    third.start()
    third.stop()
    assert [message.payload for message in second.messages] == [b"once", b"more"]
    first.loop.stop()
    first.thread.join(PATIENCE)


def test_many_threads_publish_on_one_client(running: Running, topic: str) -> None:
    threads, each = 16, 500
    running.client.int_option(n.OPT_SEND_MAXIMUM, 100)
    running.subscribe(topic, 1)
    failures: list[Any] = []

    def publish(number: int) -> None:
        publications = [running.client.publish(topic, f"{number} {i}", i % 3) for i in range(each)]
        if not all(p.rc == 0 and p.wait(PATIENCE) for p in publications):
            failures.append(number)

    workers = [threading.Thread(target=publish, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert not failures
    payloads = [message.payload.decode() for message in running.take(threads * each)]
    for number in range(threads):
        order = [int(p.split()[1]) for p in payloads if p.split()[0] == str(number)]
        assert len(order) == each
        # QoS 2 has a way of its own to the broker; the others keep their order among themselves.
        assert [i for i in order if i % 3 == 1] == sorted(i for i in order if i % 3 == 1)


def test_publishing_goes_on_over_lost_connections_and_nothing_of_qos_1_is_lost(
    broker: Broker, topic: str
) -> None:
    cutter = Cutter(broker.port)
    receiver = Running(broker.port).start()
    receiver.subscribe(topic, 1)
    sender = Running(cutter.port).start()
    publications = []
    for number in range(300):
        publications.append(sender.client.publish(topic, str(number), 1))
        if number % 100 == 50:
            cutter.cut()
            assert sender.ups.acquire(timeout=PATIENCE)
    assert all(publication.wait(PATIENCE) for publication in publications)
    receiver.take(300)
    assert {int(message.payload) for message in receiver.messages} == set(range(300))
    assert sender.client.stats()["reconnects"] >= 3
    sender.stop()
    receiver.stop()
    cutter.close()


def test_a_handler_for_the_end_of_a_message_runs_before_waiting_ends(
    running: Running, topic: str
) -> None:
    order: list[str] = []
    running.client.set_handler("publish", lambda mid, *_: order.append(f"handler {mid}"))
    for qos in (0, 1, 2):
        publication = running.client.publish(topic, b"", qos)
        assert publication.wait(PATIENCE)
        assert order[-1] == f"handler {publication.mid}"


def test_after_close_calls_are_errors_and_what_waits_ends(broker: Broker) -> None:
    client = n.Client()
    ends: list[int] = []
    waiting = client.publish("t", b"x", 1, False, None, lambda outcome, *_: ends.append(outcome))
    assert waiting.rc == n.ERR_SUCCESS and not waiting.is_done()
    assert not waiting.wait(0)
    client.close()
    client.close()
    assert client.closed
    assert ends == [n.OUTCOME_CLEARED]
    assert waiting.wait(0) and waiting.outcome == n.OUTCOME_CLEARED
    results = [
        client.publish("t").rc,
        client.subscribe([("t", 0)])[0],
        client.unsubscribe(["t"])[0],
        client.connect("127.0.0.1", broker.port, 60),
        client.connect_async("127.0.0.1", broker.port, 60),
        client.disconnect(),
        client.ack(1),
        client.drain(1),
        client.loop(0),
        client.loop_read(),
        client.loop_misc(),
        client.will_set("t"),
        client.tls_set("x"),
        client.queue_set(max_messages=1),
        client.message_callback_add("t", print),
        client.request("t", b"", 0, None, 10, print),
        client.serve("t", 0, print),
        n.Loop().add(client),
    ]
    assert results == [n.ERR_INVAL] * len(results)
    assert client.socket() == -1 and not client.want_write()
    assert client.stats()["packets_sent"] == 0


@pytest.mark.parametrize("where", ["another thread", "a handler"])
def test_a_client_is_closed_while_threads_use_it(broker: Broker, topic: str, where: str) -> None:
    for _ in range(3):
        running = Running(broker.port).start()
        running.subscribe(topic, 0)
        client, loop = running.client, running.loop
        closed = threading.Event()
        publications: list[n.Publication] = []

        def close(_: Any = None) -> None:
            client.close()
            closed.set()

        def use() -> None:
            while not closed.is_set():
                publications.append(client.publish(topic, b"x", 1))
                client.stats()
                client.subscribe([(topic, 0)])
                client.message_callback_add("a/b", print)

        if where == "a handler":
            client.set_handler("message", close)
        threads = [threading.Thread(target=use) for _ in range(4)]
        for thread in threads:
            thread.start()
        if where == "another thread":
            assert running.arrived.acquire(timeout=PATIENCE)
            close()
        assert closed.wait(PATIENCE)
        for thread in threads:
            thread.join()
        assert client.publish(topic).rc == n.ERR_INVAL
        # Each has an end: it was sent, or its client was closed.
        assert all(p.rc == n.ERR_INVAL or p.wait(PATIENCE) for p in publications)
        loop.stop()
        running.thread.join(PATIENCE)
        assert not running.thread.is_alive()


def test_clients_end_with_their_last_reference_even_in_cycles(broker: Broker) -> None:
    class Owner:
        def __init__(self) -> None:
            self.client = n.Client()
            self.client.set_handler("message", self.on_message, self)
            self.client.message_callback_add("a/#", self.on_message)

        def on_message(self, *_: Any) -> None:
            pass

    owner = Owner()
    assert owner.client.connect("127.0.0.1", broker.port, 60) == 0
    gone = weakref.ref(owner.client)
    publication = owner.client.publish("t", b"", 1)
    del owner
    gc.collect()
    assert gone() is None
    assert publication.outcome == n.OUTCOME_CLEARED


def test_garbage_is_collected_while_messages_arrive(running: Running, topic: str) -> None:
    running.subscribe(topic, 0)
    stop = threading.Event()

    def collect() -> None:
        while not stop.is_set():
            gc.collect()

    def churn() -> None:
        while not stop.is_set():
            client = n.Client()
            client.set_handler("message", print, client)
            client.publish("t", b"", 1)

    workers = [threading.Thread(target=work) for work in (collect, churn)]
    for worker in workers:
        worker.start()
    for start in range(0, 3000, 500):
        for number in range(start, start + 500):
            running.client.publish(topic, str(number))
        running.take(500)
    stop.set()
    for worker in workers:
        worker.join()
    assert [int(message.payload) for message in running.messages] == list(range(3000))


def test_a_stopped_loop_ends_at_once_and_can_run_again(broker: Broker) -> None:
    loop = n.Loop()
    for _ in range(50):
        thread = threading.Thread(target=loop.run)
        thread.start()
        loop.stop()
        thread.join(PATIENCE)
        assert not thread.is_alive()
    began = time.monotonic()
    assert loop.run(20) == n.ERR_SUCCESS
    assert time.monotonic() - began >= 0.015
    loop.close()
    assert loop.run(0) == n.ERR_INVAL


def test_disconnect_and_stop_leave_no_will_behind(broker: Broker, topic: str) -> None:
    watcher = Running(broker.port).start()
    watcher.subscribe(topic)
    clients = []
    for number in range(20):
        running = Running(broker.port)
        running.client.will_set(topic, f"will {number}", 1)
        clients.append(running.start())
    for running in clients:
        running.client.disconnect()
        running.loop.stop()
        running.thread.join(PATIENCE)
    # One that is cut off without a word has its will published: the first to arrive.
    lost = Running(broker.port)
    lost.client.will_set(topic, b"lost", 1)
    lost.start()
    lost.client.close()
    assert watcher.take(1)[0].payload == b"lost"
    lost.loop.stop()
    lost.thread.join(PATIENCE)
    watcher.stop()


def test_requests_are_answered_and_those_without_an_answer_end(
    running: Running, topic: str
) -> None:
    answers: list[Any] = []
    answered = threading.Semaphore(0)

    def on_response(rc: int, message: n.Message) -> None:
        answers.append((rc, message and message.payload))
        answered.release()

    def on_request(me: str, request: n.Message) -> None:
        assert running.client.respond(request, me.encode() + request.payload, 1) == 0

    assert running.client.serve(topic, 1, on_request, "I am ") == 0
    assert running.client.request(topic, b"here", 1, None, PATIENCE * 1000, on_response) == 0
    assert answered.acquire(timeout=PATIENCE)
    assert running.client.serve(topic, 1, None) == 0
    assert running.client.request(topic, b"gone", 1, None, 100, on_response) == 0
    assert answered.acquire(timeout=PATIENCE)
    assert answers == [(0, b"I am here"), (n.ERR_TIMEOUT, None)]


def test_memory_does_not_grow_with_clients_messages_and_errors(broker: Broker, topic: str) -> None:
    running = Running(broker.port).start()
    running.subscribe(topic, 1)
    properties = [(n.PROP_USER_PROPERTY, ("k", "v" * 100))]
    done = lambda *_: None  # noqa: E731

    def round_() -> None:
        for _ in range(200):
            client = n.Client()
            client.set_handler("message", done, client)
            client.message_callback_add("a/b", done)
            client.message_callback_remove("a/b")
            client.publish("t", b"x" * 1000, 1, False, properties, done)
            client.publish("t/+", b"x" * 1000, 1, False, properties, done)
            client.subscribe([("t", 0)], properties, done)
        for _ in range(10):
            for number in range(200):
                running.client.publish(topic, b"y" * 500, number % 3, False, properties, done)
            running.take(200)
            running.messages.clear()

    running.client.int_option(n.OPT_SEND_MAXIMUM, 200)
    for _ in range(2):
        round_()
    before = resident_kb()
    for _ in range(5):
        round_()
    grown = resident_kb() - before
    # 1,000 clients and 10,000 messages: half a kilobyte for each of these would show.
    assert grown < 4000, f"{grown} KB more"
    running.stop()


def test_a_client_is_run_by_hand_with_its_descriptor(broker: Broker, topic: str) -> None:
    client = n.Client()
    got: list[bytes] = []
    client.set_handler("message", lambda message: got.append(message.payload))
    client.set_handler("connect", lambda *_: client.subscribe([(topic, 0)]))
    client.set_handler("subscribe", lambda *_: client.publish(topic, b"by hand"))
    assert client.connect("127.0.0.1", broker.port, 60) == 0
    assert client.socket() >= 0

    def turn() -> bool:
        assert client.loop_read() == 0
        if client.want_write():
            assert client.loop_write() == 0
        assert client.loop_misc() == 0
        return bool(got)

    wait_until(turn, "the message")
    assert got == [b"by hand"]
    client.close()
