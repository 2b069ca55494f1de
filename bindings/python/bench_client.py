"""One measurement of bench.py, in a process of its own.

    bench_client.py MODULE publish|receive PORT COUNT QOS

MODULE has the API of paho.mqtt.client, or is "native", the layer below it, or "aio", the client for
asyncio. Prints one line of JSON: messages, seconds on the clock, and seconds of CPU time.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import struct
import sys
import threading
import time
from typing import Any

SIZE = 64
WINDOW = 20
PATIENCE = 300


def scenario(mode: str, count: int, qos: int) -> str:
    """The client identifier that tells the server what to do, see benches/wire.h."""
    return f"{mode}-q{qos}-s{SIZE}-t1-w{WINDOW}-n{count}"


def payloads(count: int) -> list[bytes]:
    """Payloads that the server can tell apart: publisher 0, and the number of the message."""
    return [struct.pack("=IQ", 0, number).ljust(SIZE, b"x") for number in range(count)]


class Span:
    """Clocks, from when it is made."""

    def __init__(self) -> None:
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def result(self, count: int) -> dict[str, float]:
        return {
            "messages": count,
            "seconds": time.perf_counter() - self.wall,
            "cpu_seconds": time.process_time() - self.cpu,
        }


def paho_client(module: str, mode: str, count: int, qos: int) -> Any:
    mqtt = importlib.import_module(module)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, scenario(mode, count, qos))
    client.max_inflight_messages_set(WINDOW)
    return client


def paho_publish(module: str, port: int, count: int, qos: int) -> dict[str, float]:
    client = paho_client(module, "pub", count, qos)
    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert connected.wait(PATIENCE)
    messages = payloads(count)
    span = Span()
    publish = client.publish
    infos = [publish("t", payload, qos) for payload in messages]
    for info in infos:
        info.wait_for_publish(PATIENCE)
    result = span.result(count)
    assert all(info.is_published() for info in infos)
    client.disconnect()
    client.loop_stop()
    return result


def paho_receive(module: str, port: int, count: int, qos: int) -> dict[str, float]:
    client = paho_client(module, "rcv", count, qos)
    done = threading.Event()
    received = 0
    in_order = True

    def on_message(_client: Any, _userdata: Any, message: Any) -> None:
        nonlocal received, in_order
        in_order = in_order and struct.unpack_from("=Q", message.payload, 4)[0] == received
        received += 1
        if received == count:
            done.set()

    connected = threading.Event()
    client.on_connect = lambda *_: connected.set()
    client.on_message = on_message
    client.connect("127.0.0.1", port)
    client.loop_start()
    assert connected.wait(PATIENCE)
    span = Span()
    client.subscribe("t", qos)
    assert done.wait(PATIENCE)
    result = span.result(count)
    assert in_order and received == count
    client.disconnect()
    client.loop_stop()
    return result


class Native:
    """The native layer, as the API of Paho uses it."""

    def __init__(self, mode: str, port: int, count: int, qos: int) -> None:
        from mqttrs import _native

        self.client = _native.Client(scenario(mode, count, qos))
        self.loop = _native.Loop()
        self.client.int_option(_native.OPT_SEND_MAXIMUM, WINDOW)
        connected = threading.Event()
        self.client.set_handler("connect", lambda *_: connected.set())
        self.loop.add(self.client)
        self.client.connect_async("127.0.0.1", port, 60)
        self.thread = threading.Thread(target=self.loop.run)
        self.thread.start()
        assert connected.wait(PATIENCE)

    def end(self) -> None:
        self.client.disconnect()
        self.loop.stop()
        self.thread.join()


def native_publish(port: int, count: int, qos: int) -> dict[str, float]:
    native = Native("pub", port, count, qos)
    messages = payloads(count)
    span = Span()
    publish = native.client.publish
    publications = [publish("t", payload, qos) for payload in messages]
    for publication in publications:
        publication.wait(PATIENCE)
    result = span.result(count)
    assert all(publication.is_done() for publication in publications)
    native.end()
    return result


def native_receive(port: int, count: int, qos: int) -> dict[str, float]:
    native = Native("rcv", port, count, qos)
    done = threading.Event()
    received = 0
    in_order = True

    def on_message(message: Any) -> None:
        nonlocal received, in_order
        in_order = in_order and struct.unpack_from("=Q", message.payload, 4)[0] == received
        received += 1
        if received == count:
            done.set()

    native.client.set_handler("message", on_message)
    span = Span()
    native.client.subscribe([("t", qos)])
    assert done.wait(PATIENCE)
    result = span.result(count)
    assert in_order and received == count
    native.end()
    return result


async def aio_publish(port: int, count: int, qos: int) -> dict[str, float]:
    from mqttrs import aio

    messages = payloads(count)
    async with aio.Client(
        "127.0.0.1", port, client_id=scenario("pub", count, qos), protocol=4
    ) as client:
        span = Span()
        for start in range(0, count, 1000):
            # A thousand tasks at a time, each of which waits for its acknowledgement.
            await asyncio.gather(
                *(client.publish("t", p, qos) for p in messages[start : start + 1000])
            )
        return span.result(count)


async def aio_receive(port: int, count: int, qos: int) -> dict[str, float]:
    from mqttrs import aio

    settings: dict[str, Any] = {"protocol": 4, "max_messages": 10000, "overflow": "pause"}
    settings["client_id"] = scenario("rcv", count, qos)
    async with aio.Client("127.0.0.1", port, **settings) as client:
        span = Span()
        await client.subscribe("t", qos)
        received = 0
        async for message in client.messages:
            assert struct.unpack_from("=Q", message.payload, 4)[0] == received
            received += 1
            if received == count:
                return span.result(count)
    raise AssertionError("too few messages")


def main() -> None:
    module, mode, port, count, qos = sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])
    if module == "native":
        result = {"publish": native_publish, "receive": native_receive}[mode](port, count, qos)
    elif module == "aio":
        result = asyncio.run(
            {"publish": aio_publish, "receive": aio_receive}[mode](port, count, qos)
        )
    else:
        run = {"publish": paho_publish, "receive": paho_receive}[mode]
        result = run(module, port, count, qos)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
