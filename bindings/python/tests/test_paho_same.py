"""The same programs on Paho and on ours: what calls return and callbacks are told is the same."""

from __future__ import annotations

from typing import Any, Callable

import pytest
from paho_recorder import Recorder, outcome, plain
from paho_support import modules, needs_paho
from support import Broker, Cutter

pytestmark = needs_paho

V311, V5 = 4, 5
BOTH_VERSIONS = pytest.mark.parametrize("protocol", [V311, V5])


def same(scenario: Callable[[Any], Any]) -> Any:
    """Runs a scenario with each module, and compares what it gives."""
    theirs, ours = (scenario(mqtt) for mqtt in modules())
    assert ours == theirs
    return ours


@BOTH_VERSIONS
@pytest.mark.parametrize("api", [1, 2])
def test_a_whole_life(broker: Broker, topic: str, protocol: int, api: int) -> None:
    def scenario(mqtt: Any) -> Any:
        me = Recorder(mqtt, api, protocol=protocol)
        me.connect(broker.port)
        client = me.client
        told = [plain(client.subscribe(topic, 2))]
        me.wait("on_subscribe")
        for qos, payload in enumerate(["text", b"bytes", bytearray(b"array")]):
            info = client.publish(topic, payload, qos)
            info.wait_for_publish(30)
            told += [plain(tuple(info)), str(info), info[1], info.is_published()]
            me.wait("on_message", qos + 1)
            me.wait("on_publish", qos + 1)
        for payload in (7, 2.5, None, "", "ü"):
            client.publish(topic, payload)
        me.wait("on_message", 8)
        me.wait("on_publish", 8)
        told.append(plain(client.unsubscribe([topic, topic + "/x"])))
        me.wait("on_unsubscribe")
        told.append(client.is_connected())
        calls = me.end()
        return told, calls, client.is_connected(), plain(client.disconnect())

    told, calls, *_ = same(scenario)
    assert len(calls["on_message"]) == 8 and len(calls["on_publish"]) == 8


@BOTH_VERSIONS
def test_what_is_published_before_connecting(broker: Broker, topic: str, protocol: int) -> None:
    def scenario(mqtt: Any) -> Any:
        me = Recorder(mqtt, protocol=protocol)
        infos = [me.client.publish(topic, str(qos), qos) for qos in range(3)]
        told = [
            (int(info.rc), outcome(info.wait_for_publish), outcome(info.is_published))
            for info in infos
        ]
        me.client.on_connect = lambda *_: me.client.subscribe(topic, 2)
        me.client.connect("127.0.0.1", broker.port)
        me.client.loop_start()
        me.wait("on_publish", 2)
        told.append([int(info.rc) for info in infos])
        return told, me.end()["on_subscribe"][0][1]

    same(scenario)


@BOTH_VERSIONS
def test_calls_without_a_connection(protocol: int) -> None:
    def scenario(mqtt: Any) -> Any:
        client = Recorder(mqtt, protocol=protocol).client
        calls = [
            lambda: client.subscribe("a"),
            lambda: client.unsubscribe("a"),
            client.loop,
            client.loop_read,
            client.loop_write,
            client.loop_misc,
            client.loop_stop,
            client.reconnect,
            client.want_write,
            client.socket,
            client.is_connected,
            client.disconnect,
            lambda: client.loop(-1),
            lambda: client.ack(1, 1),
            lambda: client.connect("127.0.0.1", 1),
            lambda: client.connect("nobody.invalid"),
        ]
        return [outcome(call) for call in calls]

    same(scenario)


@BOTH_VERSIONS
def test_arguments_that_are_not_valid(broker: Broker, protocol: int) -> None:
    def scenario(mqtt: Any) -> Any:
        options = mqtt.SubscribeOptions(1)
        connected = Recorder(mqtt, protocol=protocol).connect(broker.port).client
        fresh = Recorder(mqtt, protocol=protocol).client
        version = mqtt.CallbackAPIVersion.VERSION2
        calls = [
            *(lambda t=t: connected.publish(t).rc for t in ("a+", "#", "a" * 65536)),
            *(lambda q=q: connected.publish("a", None, q).rc for q in (-1, 3)),
            *(lambda p=p: connected.publish("a", p).rc for p in ([], object(), {}, (1,))),
            lambda: connected.publish("a", b"x" * 268435456).rc,
            *(
                lambda s=s: connected.subscribe(s)[0]
                for s in ("a+", "a/#/b", "", [], None, 3, ("a", 3))
            ),
            *(lambda q=q: connected.subscribe("a", q)[0] for q in (-1, 3)),
            lambda: connected.subscribe("a", 1, options)[0],
            lambda: connected.subscribe(("a", options))[0],
            lambda: connected.subscribe(("a", 1))[0],
            lambda: connected.subscribe([("a", options)])[0],
            lambda: connected.subscribe([("a", 1), ("b", 4)])[0],
            lambda: connected.subscribe("a", options=3)[0],
            *(lambda t=t: connected.unsubscribe(t)[0] for t in (None, "", 3, [""])),
            lambda: setattr(connected, "host", "x"),
            lambda: setattr(connected, "keepalive", 5),
            lambda: setattr(connected, "max_inflight_messages", 5),
            lambda: setattr(connected, "username", "x"),
            lambda: fresh.max_inflight_messages_set(-1),
            lambda: fresh.max_queued_messages_set(-1),
            lambda: fresh.max_queued_messages_set("1"),
            lambda: fresh.will_set("", "x"),
            lambda: fresh.will_set("a", "x", 3),
            lambda: fresh.will_set("a", []),
            lambda: fresh.will_set("a", "x", properties=3),
            lambda: fresh.ws_set_options("/x", 3),
            lambda: fresh.message_callback_add(None, print),
            lambda: fresh.message_callback_add("a", None),
            lambda: fresh.message_callback_remove(None),
            lambda: fresh.message_callback_remove("a"),
            lambda: fresh.tls_insecure_set(True),
            lambda: fresh.tls_set("/nowhere.pem"),
            lambda: fresh.connect("", 1883),
            lambda: fresh.connect("127.0.0.1", 0),
            lambda: fresh.connect("127.0.0.1", broker.port, -1),
            lambda: fresh.connect("127.0.0.1", broker.port, bind_port=-1),
            lambda: fresh.connect_async("127.0.0.1", broker.port, bind_port=-1),
            lambda: mqtt.Client("an-id"),
            lambda: mqtt.Client(version, transport="udp"),
            lambda: mqtt.Client(version, clean_session=False),
            lambda: mqtt.Client(version, protocol=mqtt.MQTTv5, clean_session=True),
            *(
                [lambda: fresh.connect("127.0.0.1", broker.port, clean_start=True)]
                * (protocol < V5)
            ),
        ]
        return [outcome(call) for call in calls]

    same(scenario)


def test_properties_go_both_ways(broker: Broker, topic: str) -> None:
    def scenario(mqtt: Any) -> Any:
        me = Recorder(mqtt, protocol=V5)
        connect = mqtt.Properties(mqtt.PacketTypes.CONNECT)
        connect.SessionExpiryInterval = 30
        connect.UserProperty = ("who", "me")
        me.connect(broker.port, properties=connect)
        subscribe = mqtt.Properties(mqtt.PacketTypes.SUBSCRIBE)
        subscribe.SubscriptionIdentifier = 77
        me.client.subscribe(
            topic, options=mqtt.SubscribeOptions(2, retainAsPublished=True), properties=subscribe
        )
        me.wait("on_subscribe")
        publish = mqtt.Properties(mqtt.PacketTypes.PUBLISH)
        publish.PayloadFormatIndicator = 1
        publish.MessageExpiryInterval = 100
        publish.ContentType = "text/plain"
        publish.ResponseTopic = "answers"
        publish.CorrelationData = b"\0\1\xff"
        publish.UserProperty = [("a", "1"), ("b", "ü")]
        publish.UserProperty = ("a", "2")
        for qos in range(3):
            me.client.publish(topic, "x", qos, qos == 1, publish)
            me.wait("on_message", qos + 1)
            me.wait("on_publish", qos + 1)
        me.client.publish(topic, None, 1, True).wait_for_publish(30)
        me.wait("on_message", 4)
        me.wait("on_publish", 4)
        return me.end()

    same(scenario)


@BOTH_VERSIONS
def test_a_refused_connection(tmp_path: Any, protocol: int) -> None:
    refusing = Broker(tmp_path / "refusing", extra="per_listener_settings false\n")
    (refusing.folder / "passwords").write_text("")
    refusing.stop()
    refusing.extra = f"password_file {refusing.folder / 'passwords'}"
    refusing._configuration = lambda text=refusing._configuration: text().replace(
        "allow_anonymous true", "allow_anonymous false"
    )
    refusing.start()

    def scenario(mqtt: Any) -> Any:
        told = []
        for api in (1, 2):
            me = Recorder(mqtt, api, protocol=protocol, reconnect_on_failure=False)
            me.client.username_pw_set("nobody", "wrong")
            me.client.connect("127.0.0.1", refusing.port)
            told.append(
                (int(me.client.loop_forever()), me.calls["on_connect"], me.calls["on_disconnect"])
            )
        return told

    try:
        same(scenario)
    finally:
        refusing.stop()


@BOTH_VERSIONS
@pytest.mark.parametrize("api", [1, 2])
def test_a_lost_connection_comes_back(broker: Broker, topic: str, protocol: int, api: int) -> None:
    def scenario(mqtt: Any) -> Any:
        cutter = Cutter(broker.port)
        me = Recorder(mqtt, api, protocol=protocol)
        me.connect(cutter.port)
        cutter.cut()
        me.wait("on_connect", 2)
        me.client.subscribe(topic, 1)
        me.wait("on_subscribe")
        me.client.publish(topic, "again", 1)
        me.wait("on_message")
        me.wait("on_publish")
        calls = me.end()
        cutter.close()
        return calls

    same(scenario)


def test_a_session_that_is_taken_over(broker: Broker, topic: str) -> None:
    def scenario(mqtt: Any) -> Any:
        told = []
        for api in (1, 2):
            me = Recorder(mqtt, api, protocol=V5, client_id=topic[-20:], reconnect_on_failure=False)
            me.connect(broker.port)
            other = Recorder(mqtt, protocol=V5, client_id=topic[-20:]).connect(broker.port)
            me.wait("on_disconnect")
            other.end()
            told.append(me.end()["on_disconnect"])
        return told

    same(scenario)


def test_the_will_is_published_when_the_connection_is_lost(broker: Broker, topic: str) -> None:
    def scenario(mqtt: Any) -> Any:
        heir = Recorder(mqtt, protocol=V5).connect(broker.port)
        heir.client.subscribe(topic, 2)
        heir.wait("on_subscribe")
        cutter = Cutter(broker.port)
        me = Recorder(mqtt, protocol=V5, reconnect_on_failure=False)
        will = mqtt.Properties(mqtt.PacketTypes.WILLMESSAGE)
        will.ContentType = "text/will"
        me.client.will_set(topic, "gone", 1, False, will)
        told = [me.client.will_topic, me.client.will_payload]
        me.connect(cutter.port)
        cutter.cut()
        heir.wait("on_message")
        cutter.close()
        me.end()
        return told, heir.end()["on_message"]

    same(scenario)


def test_messages_go_to_the_callbacks_of_their_filters(broker: Broker, topic: str) -> None:
    def scenario(mqtt: Any) -> Any:
        me = Recorder(mqtt)
        client = me.client

        def hears(name: str) -> Any:
            return lambda _client, _userdata, message: me.record("filtered", (name, message.topic))

        client.message_callback_add(topic + "/#", hears("rest"))
        client.message_callback_add(topic + "/+", hears("level"))
        client.message_callback_add(topic + "/a", hears("name"))
        client.topic_callback(topic + "/a/b")(hears("deep"))
        client.message_callback_add("not/a/#/filter", hears("nobody"))
        me.connect(broker.port)
        client.subscribe([(topic + "/#", 0), (topic + "2", 0)])
        me.wait("on_subscribe")
        for name in ("/a", "/b", "/a/b", "2"):
            client.publish(topic + name)
        me.wait("on_message")
        client.message_callback_remove(topic + "/#")
        client.message_callback_remove(topic + "/never/added")
        client.publish(topic + "/a/b")
        client.publish(topic + "/x/y")
        me.wait("on_message", 2)
        return me.end()

    calls = same(scenario)
    assert len(calls["filtered"]) == 8


def test_disconnecting_in_a_callback_ends_loop_forever(broker: Broker, topic: str) -> None:
    def scenario(mqtt: Any) -> Any:
        me = Recorder(mqtt)
        me.client.on_connect = lambda client, *_: client.subscribe(topic)
        me.client.on_subscribe = lambda client, *_: client.publish(topic, "x")
        me.client.on_message = lambda client, *_: client.disconnect()
        me.client.connect_async("127.0.0.1", broker.port)
        rc = me.client.loop_forever()
        return int(rc), me.calls["on_disconnect"], me.client.is_connected()

    same(scenario)


def test_what_a_callback_raises_comes_out_of_the_loop(broker: Broker, topic: str) -> None:
    def scenario(mqtt: Any) -> Any:
        told: list[Any] = []
        for suppressed in (False, True):
            me = Recorder(mqtt)
            me.client.suppress_exceptions = suppressed
            heard: list[bytes] = []

            def on_message(client: Any, userdata: Any, message: Any) -> None:
                heard.append(message.payload)
                if message.payload == b"bad":
                    raise KeyError("bad")

            me.client.on_message = on_message
            me.client.connect("127.0.0.1", broker.port)
            me.turn_until("on_connect")
            me.client.subscribe(topic)
            me.turn_until("on_subscribe")
            me.client.publish(topic, "bad")
            me.client.publish(topic, "good")
            wanted = 1 + suppressed
            while len(heard) < wanted:
                told.append(outcome(lambda: me.client.loop(0.1)))
            told = [what for what in told if what != 0] + [list(heard)]
            me.end()
        return told

    assert same(scenario) == ["KeyError", [b"bad"], [b"bad", b"good"]]


@BOTH_VERSIONS
def test_a_message_that_is_not_acknowledged_comes_again(
    broker: Broker, topic: str, protocol: int
) -> None:
    def scenario(mqtt: Any) -> Any:
        told = []
        identity = dict(client_id="m" + topic[-18:], protocol=protocol)
        if protocol != V5:
            identity["clean_session"] = False
        session = {}
        if protocol == V5:
            properties = mqtt.Properties(mqtt.PacketTypes.CONNECT)
            properties.SessionExpiryInterval = 60
            session = dict(clean_start=False, properties=properties)
        for acknowledges in (False, True, True):
            me = Recorder(mqtt, manual_ack=True, **identity)
            me.client.on_message = lambda client, userdata, message: (
                acknowledges and client.ack(message.mid, message.qos),
                me.record("on_message", (message.payload, message.qos)),
            )
            me.connect(broker.port, **session)
            if not acknowledges:
                me.client.subscribe(topic, 1)
                me.wait("on_subscribe")
                me.client.publish(topic, "once more", 1)
            if len(told) < 2:
                me.wait("on_message")
            told.append(me.end().get("on_message"))
        return told

    again = [(b"once more", 1)]
    assert same(scenario) == [again, again, None]


def test_a_full_queue(topic: str) -> None:
    def scenario(mqtt: Any) -> Any:
        client = Recorder(mqtt).client
        client.max_queued_messages_set(2)
        infos = [client.publish(topic, "x", 1) for _ in range(3)]
        return [(int(info.rc), outcome(info.is_published)) for info in infos]

    same(scenario)


def test_values_and_texts_of_types() -> None:
    def scenario(mqtt: Any) -> Any:
        types = mqtt.PacketTypes
        told: list[Any] = []
        for packet in (*types.indexes, types.WILLMESSAGE):
            for value in range(256):
                told.append(outcome(lambda: str(mqtt.ReasonCode(packet, identifier=value))))
            for name in list(mqtt.Properties(packet).names) + ["Nothing"]:
                for value in (0, 1, 7, 65536, "text", ("a", "b"), [("a", "b")], [1, 2]):
                    properties = mqtt.Properties(packet)
                    told.append(outcome(lambda: setattr(properties, name.replace(" ", ""), value)))
                    if told[-1] == "IndexError":
                        # Paho has no name for the packet type of wills, which it wants to mention.
                        told[-1] = "MQTTException"
                    told += [str(properties), properties.json(), properties.isEmpty()]
                    told.append(outcome(lambda: bytes(properties.pack()).hex()))
        for qos in range(4):
            for handling in range(4):
                told.append(outcome(lambda: str(mqtt.SubscribeOptions(qos, True, True, handling))))
                told.append(
                    outcome(lambda: mqtt.SubscribeOptions(qos, True, False, handling).pack())
                )
        for code in range(-2, 20):
            told.append(outcome(lambda: mqtt.convert_connack_rc_to_reason_code(code)))
            told.append(outcome(lambda: mqtt.convert_disconnect_error_code_to_reason_code(code)))
        return told

    same(scenario)


def test_properties_are_read_as_they_are_written() -> None:
    def scenario(mqtt: Any) -> Any:
        told = []
        for text in (
            "00", "0101", "050226001161", "0b26000161000162", "02010101", "0109", "0209000001", "03",
            "80", "ff7f", "ffffffff7f", "0a0b010b020b8001210001", "0626000161000162", "020101",
            "04080001ff", "0508000200ff", "06080003efbbbf", "0308000161",
        ):  # fmt: skip
            properties = mqtt.Properties(mqtt.PacketTypes.PUBLISH)
            told.append(outcome(lambda: properties.unpack(bytes.fromhex(text))[1]))
            told.append(str(properties))
        return told

    theirs, ours = (scenario(mqtt) for mqtt in modules())
    # Of bytes that are no properties both say so, by exceptions of their own.
    for left, right in zip(theirs, ours):
        assert left == right or isinstance(left, str) and isinstance(right, str)


@pytest.mark.parametrize("matching", ["filters", "topics"])
def test_filters_match_the_same_topics_in_the_same_order(matching: str) -> None:
    levels = ["a", "b", "", "$x", "+", "#"]
    filters = [*levels, *(f"{x}/{y}" for x in levels for y in levels), "a/b/+", "+/+/#", "a/#"]
    topics = [name for name in filters if "+" not in name and "#" not in name]

    def scenario(mqtt: Any) -> Any:
        if matching == "topics":
            return [mqtt.topic_matches_sub(sub, topic) for sub in filters for topic in topics]
        matcher = mqtt.MQTTMatcher()
        for number, sub in enumerate(filters):
            matcher[sub] = number + 1
        told: list[Any] = [list(matcher.iter_match(topic)) for topic in topics]
        for sub in filters[::2]:
            del matcher[sub]
            told += [outcome(lambda: matcher[sub]), outcome(lambda: matcher.__delitem__(sub))]
        return told + [list(matcher.iter_match(topic)) for topic in topics]

    same(scenario)
