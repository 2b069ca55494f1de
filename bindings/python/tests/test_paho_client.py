"""What programs with Paho's API can rely on: TLS, threads, exceptions, memory, and an end without a crash."""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import socket
import ssl
import threading
import warnings
import weakref
from pathlib import Path
from typing import Any

import pytest
from paho_recorder import Recorder
from support import PATIENCE, Broker, Certificates, Cutter, free_port, resident_kb, wait_until

import mqttrs.client as mqtt
import mqttrs.publish
import mqttrs.subscribe

V2 = mqtt.CallbackAPIVersion.VERSION2


@pytest.fixture(scope="module", autouse=True)
def begun_early(request: pytest.FixtureRequest) -> None:
    """What takes its time, and is wanted by other tests of this run, runs beside these."""
    for name in ("suites", "examples"):
        if any(name in getattr(item, "fixturenames", ()) for item in request.session.items):
            # Where it cannot be had, those tests are skipped.
            with contextlib.suppress(pytest.skip.Exception):
                request.getfixturevalue(name)


def hears_itself(me: Recorder, topic: str, qos: int = 1) -> None:
    """A message goes to the broker and back."""
    me.client.subscribe(topic, qos)
    me.wait("on_subscribe")
    me.client.publish(topic, "hello", qos)
    me.wait("on_message")
    assert me.calls["on_message"][-1][:3] == (topic, b"hello", qos)


def over_tls(certificates: Certificates, **arguments: Any) -> Recorder:
    me = Recorder(mqtt)
    settings = {
        "ca_certs": str(certificates.ca),
        "certfile": str(certificates.client),
        "keyfile": str(certificates.client_key),
    }
    me.client.tls_set(**{**settings, **arguments})
    return me


def test_tls_with_a_client_certificate(
    broker: Broker, certificates: Certificates, topic: str
) -> None:
    me = over_tls(certificates, tls_version=ssl.PROTOCOL_TLSv1_2, alpn_protocols=["mqtt"])
    me.connect(broker.tls_port)
    hears_itself(me, topic)
    me.end()


def test_a_key_with_a_password(
    broker: Broker, certificates: Certificates, topic: str, tmp_path: Path
) -> None:
    locked = tmp_path / "locked.key"
    os.system(
        f"openssl pkcs8 -topk8 -in {certificates.client_key} -out {locked} -v2 aes256 -passout pass:sesame"
    )
    me = over_tls(certificates, keyfile=str(locked), keyfile_password="sesame")
    me.connect(broker.tls_port)
    hears_itself(me, topic)
    me.end()


def test_a_server_that_is_not_trusted_is_an_ssl_error(
    broker: Broker, certificates: Certificates
) -> None:
    me = over_tls(certificates, ca_certs=str(certificates.client))
    with pytest.raises(ssl.SSLCertVerificationError, match="certificate verify failed"):
        me.client.connect("127.0.0.1", broker.tls_port)


def test_the_name_of_the_server_counts_unless_insecure(
    broker: Broker, certificates: Certificates, topic: str
) -> None:
    # The certificate is for 127.0.0.1 and localhost.
    cutter = socket.create_server(("127.0.0.2", 0))
    port = cutter.getsockname()[1]

    def pass_on() -> None:
        for _ in range(2):
            near, _ = cutter.accept()
            far = socket.create_connection(("127.0.0.1", broker.tls_port))
            Cutter._copy(near, far)

    threading.Thread(target=pass_on, daemon=True).start()
    with pytest.raises(ssl.SSLError):
        over_tls(certificates).client.connect("127.0.0.2", port)
    me = over_tls(certificates)
    me.client.tls_insecure_set(True)
    me.client.connect("127.0.0.2", port)
    me.client.loop_start()
    hears_itself(me, topic)
    me.end()
    cutter.close()


def test_without_a_check_any_certificate_will_do(
    broker: Broker, certificates: Certificates, topic: str
) -> None:
    me = over_tls(certificates, cert_reqs=ssl.CERT_NONE, ca_certs=None)
    me.connect(broker.tls_port)
    hears_itself(me, topic)
    me.end()


def test_a_default_context_with_an_authority_is_taken_over(
    certificates: Certificates, tmp_path: Path, topic: str
) -> None:
    without_client_certificate = Broker(tmp_path / "broker", certificates)
    without_client_certificate.stop()
    plain = without_client_certificate._configuration().replace("require_certificate true", "")
    without_client_certificate._configuration = lambda: plain
    without_client_certificate.start()
    context = ssl.create_default_context(cafile=str(certificates.ca))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    me = Recorder(mqtt)
    me.client.tls_set_context(context)
    me.connect(without_client_certificate.tls_port)
    hears_itself(me, topic)
    me.end()
    other = Recorder(mqtt)
    stranger = Certificates(tmp_path / "stranger").ca
    other.client.tls_set_context(ssl.create_default_context(cafile=str(stranger)))
    with pytest.raises(ssl.SSLError):
        other.client.connect("127.0.0.1", without_client_certificate.tls_port)
    without_client_certificate.stop()


def test_what_cannot_be_read_from_a_context_is_refused(certificates: Certificates) -> None:
    with_certificate = ssl.create_default_context(cafile=str(certificates.ca))
    with_certificate.load_cert_chain(certificates.client, certificates.client_key)
    only_old = ssl.create_default_context(cafile=str(certificates.ca))
    only_old.maximum_version = ssl.TLSVersion.TLSv1_2
    for context, word in ((with_certificate, "certfile"), (only_old, "TLS 1.3")):
        with pytest.raises(NotImplementedError, match=word):
            mqtt.Client(V2).tls_set_context(context)
        # It is as it was.
        assert context.verify_mode == ssl.CERT_REQUIRED and context.check_hostname


def test_tls_is_configured_once_and_files_have_to_exist(certificates: Certificates) -> None:
    me = over_tls(certificates)
    with pytest.raises(ValueError):
        me.client.tls_set()
    with pytest.raises(ValueError):
        me.client.tls_set_context()
    with pytest.raises(FileNotFoundError):
        mqtt.Client(V2).tls_set("/nowhere/ca.pem")
    with pytest.raises(ValueError):
        mqtt.Client(V2).tls_set(tls_version=ssl.PROTOCOL_TLSv1)


def test_websockets(broker: Broker, topic: str) -> None:
    me = Recorder(mqtt, transport="websockets")
    me.connect(broker.ws_port)
    hears_itself(me, topic, 2)
    me.end()


@pytest.mark.parametrize("headers", [{"X-Who": "me"}, lambda own: {**own, "X-Who": own["Host"]}])
def test_path_and_headers_of_a_websocket(headers: Any) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    requests: list[str] = []

    def serve() -> None:
        near, _ = listener.accept()
        requests.append(near.recv(4096).decode())
        near.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        near.close()

    thread = threading.Thread(target=serve)
    thread.start()
    client = mqtt.Client(V2, transport="websockets")
    client.ws_set_options("/somewhere", headers)
    with pytest.raises(mqtt.WebsocketConnectionError, match="404"):
        client.connect("127.0.0.1", port)
    thread.join()
    assert requests[0].startswith("GET /somewhere HTTP/1.1\r\n")
    value = "me" if isinstance(headers, dict) else f"127.0.0.1:{port}"
    assert f"\r\nx-who: {value}\r\n" in requests[0].lower()
    assert f"\r\nOrigin: http://127.0.0.1:{port}\r\n" in requests[0]
    assert "\r\nSec-WebSocket-Protocol: mqtt\r\n" in requests[0]


def test_unix_sockets(tmp_path: Path, topic: str) -> None:
    path = f"/tmp/mqttrs-{os.getpid()}-{free_port()}"
    broker = Broker(tmp_path / "broker", extra=f"listener 0 {path}\nallow_anonymous true\n")
    me = Recorder(mqtt, transport="unix")
    me.client.connect(path)
    me.client.loop_start()
    hears_itself(me, topic)
    me.end()
    broker.stop()


def test_the_port_of_this_side_cannot_be_chosen(broker: Broker) -> None:
    with pytest.raises(NotImplementedError):
        mqtt.Client(V2).connect("127.0.0.1", broker.port, bind_port=4321)


def test_a_broker_that_is_killed_and_restarted(own_broker: Broker, topic: str) -> None:
    me = Recorder(mqtt)
    me.connect(own_broker.port)
    infos = [me.client.publish(topic, str(number), 1) for number in range(50)]
    own_broker.stop()
    infos += [me.client.publish(topic, str(number), 1) for number in range(50, 100)]
    own_broker.start()
    me.wait("on_connect", 2)
    me.wait("on_publish", 100)
    assert all(not info.rc or info.rc == mqtt.MQTT_ERR_NO_CONN for info in infos)
    me.end()


def test_attempts_go_on_until_there_is_a_server(tmp_path: Path) -> None:
    port = free_port()
    me = Recorder(mqtt)
    me.client.connect_async("127.0.0.1", port)
    me.client.loop_start()
    me.wait("on_connect_fail")
    assert me.client.disconnect() == mqtt.MQTT_ERR_NO_CONN
    me.client.loop_stop()
    with pytest.raises(ConnectionRefusedError):
        again = Recorder(mqtt)
        again.client.connect_async("127.0.0.1", port)
        again.client.loop_forever()
    assert len(again.calls["on_connect_fail"]) == 1


@pytest.mark.parametrize(
    "callback", ["on_connect", "on_subscribe", "on_publish", "on_message", "on_disconnect"]
)
def test_callbacks_that_raise_are_logged_and_the_connection_goes_on(
    broker: Broker, topic: str, callback: str, caplog: pytest.LogCaptureFixture
) -> None:
    me = Recorder(mqtt)
    told = getattr(me.client, callback)

    def raises(*arguments: Any) -> None:
        told(*arguments)
        raise RuntimeError("from " + callback)

    setattr(me.client, callback, raises)
    me.client.suppress_exceptions = True
    me.client.enable_logger()
    with caplog.at_level(logging.ERROR, "mqttrs.client"):
        me.connect(broker.port)
        hears_itself(me, topic)
        me.client.publish(topic, "still here", 2)
        me.wait("on_message", 2)
        me.end()
    assert "from " + callback in caplog.text


def test_what_a_callback_raises_ends_the_thread_and_is_told_to_the_hook(
    broker: Broker, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", told.append)
    me = Recorder(mqtt)
    me.client.on_connect = lambda *_: 1 / 0
    me.client.connect("127.0.0.1", broker.port)
    me.client.loop_start()
    wait_until(lambda: told)
    assert told[0].exc_type is ZeroDivisionError
    wait_until(lambda: me.client.loop_stop() == mqtt.MQTT_ERR_INVAL)
    # And it can be run again.
    me.client.loop_start()
    hears_itself(me, topic)
    me.end()


def test_eight_threads_publish_on_one_client_and_nothing_is_lost(
    broker: Broker, topic: str
) -> None:
    me = Recorder(mqtt)
    me.client.on_publish = None
    me.client.max_inflight_messages_set(100)
    heard: list[bytes] = []
    done = threading.Event()

    def on_message(client: Any, userdata: Any, message: Any) -> None:
        heard.append(message.payload)
        if len(heard) == 8 * 500:
            done.set()

    me.client.on_message = on_message
    me.connect(broker.port)
    me.client.subscribe(topic, 1)
    me.wait("on_subscribe")

    def publish(thread: int) -> None:
        infos = [me.client.publish(topic, f"{thread} {number}", 1) for number in range(500)]
        infos[-1].wait_for_publish(PATIENCE)
        assert all(info.is_published() for info in infos)

    threads = [threading.Thread(target=publish, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done.wait(PATIENCE), len(heard)
    for thread in range(8):
        mine = [payload for payload in heard if payload.startswith(b"%d " % thread)]
        assert mine == [b"%d %d" % (thread, number) for number in range(500)]
    me.end()


def test_collecting_garbage_while_messages_arrive(broker: Broker, topic: str) -> None:
    me = Recorder(mqtt, protocol=mqtt.MQTTv5)
    me.client.on_publish = None
    me.connect(broker.port)
    me.client.subscribe(topic, 0)
    me.wait("on_subscribe")
    for number in range(20):
        for _ in range(100):
            me.client.publish(topic, "x" * number)
        gc.collect()
    me.client.publish(topic, "end", 1).wait_for_publish(PATIENCE)
    me.wait("on_message", 2001)
    me.end()


def test_a_client_that_nobody_holds_is_collected_with_its_connection(broker: Broker) -> None:
    cutter = Cutter(broker.port)
    client = mqtt.Client(V2)
    client.on_message = lambda *_: None
    client.connect("127.0.0.1", cutter.port)
    gone = weakref.ref(client)
    del client
    gc.collect()
    assert gone() is None
    cutter.close()


def test_clients_that_come_and_go_leave_no_memory_and_no_descriptors(
    broker: Broker, topic: str
) -> None:
    def live() -> None:
        client = mqtt.Client(V2, protocol=mqtt.MQTTv5)
        connected = threading.Event()
        client.on_connect = lambda *_: connected.set()
        client.connect("127.0.0.1", broker.port)
        client.socket()
        client.loop_start()
        assert connected.wait(PATIENCE)
        client.publish(topic, "x" * 1000, 1).wait_for_publish(PATIENCE)
        client.disconnect()
        client.loop_stop()

    for _ in range(50):
        live()
    gc.collect()
    memory, descriptors = resident_kb(), len(os.listdir("/proc/self/fd"))
    for _ in range(300):
        live()
    gc.collect()
    assert resident_kb() - memory < 3000
    assert len(os.listdir("/proc/self/fd")) <= descriptors + 2


def test_messages_leave_no_memory(broker: Broker, topic: str) -> None:
    me = Recorder(mqtt, protocol=mqtt.MQTTv5)
    me.client.on_publish = None
    arrived = threading.Semaphore(0)
    me.client.on_message = lambda client, userdata, message: (
        message.properties.UserProperty,
        arrived.release(),
    )
    me.connect(broker.port)
    me.client.subscribe(topic, 1)
    me.wait("on_subscribe")
    properties = mqtt.Properties(mqtt.PacketTypes.PUBLISH)
    properties.UserProperty = ("a", "b" * 100)

    def burst(count: int) -> None:
        infos = [
            me.client.publish(topic, b"x" * 500, 1, properties=properties) for _ in range(count)
        ]
        infos[-1].wait_for_publish(PATIENCE)
        for _ in range(count):
            assert arrived.acquire(timeout=PATIENCE)

    for _ in range(4):
        burst(500)
    before = resident_kb()
    for _ in range(20):
        burst(500)
    assert resident_kb() - before < 3000
    me.end()


def test_calls_after_the_end_return_errors_and_do_not_crash(broker: Broker, topic: str) -> None:
    me = Recorder(mqtt)
    me.connect(broker.port)
    info = me.client.publish(topic, "x", 1)
    info.wait_for_publish(PATIENCE)
    sock = me.client.socket()
    me.end()
    assert info.is_published()
    assert me.client.socket() is None and sock.fileno() == -1
    assert me.client.publish(topic, "x").rc == mqtt.MQTT_ERR_NO_CONN
    assert me.client.loop() == mqtt.MQTT_ERR_NO_CONN
    assert me.client.disconnect() == mqtt.MQTT_ERR_NO_CONN
    # reinitialise() and the end of the interpreter close what is underneath.
    me.client._core.close()
    assert me.client.loop_read() == mqtt.MQTT_ERR_NO_CONN and not me.client.want_write()
    with pytest.raises(ValueError):
        me.client.publish(topic, "x")
    with pytest.raises((ValueError, OSError)):
        me.client.reconnect()


def test_reinitialise_makes_the_client_anew(broker: Broker, topic: str) -> None:
    me = Recorder(mqtt)
    me.connect(broker.port)
    me.end()
    me.client.reinitialise("another-" + topic[-10:], True, "mine")
    assert me.client.user_data_get() == "mine" and me.client.on_message is None
    assert not me.client.is_connected()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        me.client.connect("127.0.0.1", broker.port)
    me.client.disconnect()


def test_user_data_reaches_callbacks_that_were_set_before(broker: Broker, topic: str) -> None:
    me = Recorder(mqtt, userdata="old")
    seen: list[Any] = []
    me.client.message_callback_add(topic, lambda client, userdata, message: seen.append(userdata))
    me.client.user_data_set("new")
    me.connect(broker.port)
    me.client.subscribe(topic)
    me.wait("on_subscribe")
    me.client.publish(topic)
    wait_until(lambda: seen)
    assert seen == ["new"] and me.client.user_data_get() == "new"
    me.end()


def test_clean_start_counts_for_the_first_connection_alone(broker: Broker, topic: str) -> None:
    me = Recorder(mqtt, protocol=mqtt.MQTTv5, client_id="c" + topic[-19:])
    cutter = Cutter(broker.port)
    keep = mqtt.Properties(mqtt.PacketTypes.CONNECT)
    keep.SessionExpiryInterval = 60
    for _ in range(2):
        me.calls["on_connect"].clear()
        me.connect(cutter.port, properties=keep)
        cutter.cut()
        me.wait("on_connect", 2)
        present = [call[0][1]["session_present"] for call in me.calls["on_connect"]]
        assert present == [False, True]
        me.client.disconnect()
        me.client.loop_stop()
    cutter.close()


def test_logger_and_on_log_get_the_lines_of_the_library(
    broker: Broker, caplog: pytest.LogCaptureFixture
) -> None:
    me = Recorder(mqtt, client_id="logs")
    lines: list[Any] = []
    me.client.on_log = lambda client, userdata, level, text: lines.append((level, text))
    me.client.enable_logger(logging.getLogger("mine"))
    with caplog.at_level(logging.DEBUG, "mine"):
        me.connect(broker.port)
        me.client.disable_logger()
        me.end()
    assert (mqtt.MQTT_LOG_DEBUG, "Client logs sending CONNECT") in lines
    assert "Client logs sending CONNECT" in caplog.text
    assert "DISCONNECT" not in caplog.text and any("DISCONNECT" in text for _, text in lines)


def test_publish_and_subscribe_in_one_call(broker: Broker, topic: str) -> None:
    server = {"hostname": "127.0.0.1", "port": broker.port}
    mqttrs.publish.single(topic, "kept", 1, True, **server)
    message = mqttrs.subscribe.simple(topic, 1, **server)
    assert (message.payload, message.retain) == (b"kept", True)
    mqttrs.publish.multiple([(topic, None, 1, True), {"topic": topic + "/x"}], **server)


def test_a_proxy_is_used(broker: Broker, topic: str) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    asked: list[bytes] = []

    def serve() -> None:
        near, _ = listener.accept()
        asked.append(near.recv(4096))
        near.sendall(b"HTTP/1.1 403 No\r\n\r\n")
        near.close()

    thread = threading.Thread(target=serve)
    thread.start()
    client = mqtt.Client(V2)
    client.proxy_set(proxy_type=3, proxy_addr="127.0.0.1", proxy_port=listener.getsockname()[1])
    with pytest.raises(ConnectionError, match="403"):
        client.connect("broker.example", 1883)
    thread.join()
    assert asked[0].startswith(b"CONNECT broker.example:1883 HTTP/1.1\r\n")
    with pytest.raises(ValueError):
        client.proxy_set(proxy_type=1, proxy_addr="127.0.0.1")


def test_messages_that_were_never_sent_can_be_dropped(topic: str) -> None:
    client = mqtt.Client(V2)
    infos = [client.publish(topic, "x", 1) for _ in range(3)]
    assert [message.mid for message in client.drop_out_messages()] == [info.mid for info in infos]
    assert client.drop_out_messages() == []
    # They will never be published, and who waits for that is told so.
    for info in infos:
        with pytest.raises(RuntimeError):
            info.wait_for_publish()


def test_who_waits_for_a_message_that_is_dropped_is_told_so(broker: Broker, topic: str) -> None:
    me = Recorder(mqtt, protocol=mqtt.MQTTv5, reconnect_on_failure=False)
    cutter = Cutter(broker.port)
    me.client.max_inflight_messages_set(1)
    me.client.on_publish = None
    me.client.connect("127.0.0.1", cutter.port)
    # Nobody runs the client, so these wait for the server's answer to CONNECT.
    infos = [me.client.publish(topic, "x", 1) for _ in range(3)]
    assert not any(info.rc for info in infos)
    dropped = me.client.drop_out_messages()
    assert len(dropped) == 3
    for info in infos:
        with pytest.raises(RuntimeError, match="dropped"):
            info.wait_for_publish(PATIENCE)
        with pytest.raises(RuntimeError, match="dropped"):
            info.is_published()
    cutter.close()
