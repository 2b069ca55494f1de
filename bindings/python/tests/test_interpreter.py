"""The end of the interpreter, signals and forks: programs of their own, which must end well."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap

import pytest
from support import PATIENCE, Broker

START = """
import os, signal, sys, threading, time
from mqttrs import _native as n

port, topic = int(sys.argv[1]), sys.argv[2]
client, loop = n.Client(), n.Loop()
client.int_option(n.OPT_SEND_MAXIMUM, 100)
subscribed = threading.Event()
client.set_handler("connect", lambda *_: client.subscribe([(topic, 0)], None, lambda *_: subscribed.set()))
loop.add(client)
client.connect_async("127.0.0.1", port, 60)
"""

THREAD = """
thread = threading.Thread(target=loop.run, daemon=True)
thread.start()
assert subscribed.wait(30)
"""


def run(program: str, broker: Broker, topic: str, timeout: int = PATIENCE) -> str:
    """What the program prints; it has to end by itself, and with success."""
    done = subprocess.run(
        [
            sys.executable,
            "-X",
            "faulthandler",
            "-c",
            textwrap.dedent(program),
            str(broker.port),
            topic,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        timeout=timeout,
    )
    assert (done.returncode, done.stderr) == (
        0,
        "",
    ), f"{done.returncode}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("how", ["the end of the program", "sys.exit()", "os._exit(0)"])
def test_a_program_ends_while_its_loop_is_flooded(broker: Broker, topic: str, how: str) -> None:
    program = f"""
    enough = threading.Event()
    count = 0

    def on_message(message):
        global count
        count += 1
        client.publish(topic, message.payload)  # for ever
        if count == 2000:
            enough.set()

    client.set_handler("message", on_message)
    {{}}
    for number in range(100):
        client.publish(topic, str(number))
    assert enough.wait(30)
    print("ending", flush=True)
    {how if "(" in how else "pass"}
    """
    program = textwrap.dedent(program).replace("{}", THREAD)
    for _ in range(3):
        assert run(START + program, broker, topic) == "ending\n"


def test_a_program_ends_while_a_handler_wants_the_interpreter_again_and_again(
    broker: Broker, topic: str
) -> None:
    program = """
    entered = threading.Event()

    def on_message(message):
        entered.set()
        while True:
            time.sleep(0)

    client.set_handler("message", on_message)
    {}
    client.publish(topic, b"")
    assert entered.wait(30)
    print("ending", flush=True)
    """
    program = textwrap.dedent(program).replace("{}", THREAD)
    assert run(START + program, broker, topic) == "ending\n"


def test_a_program_ends_that_never_stopped_nor_ran_anything(broker: Broker, topic: str) -> None:
    assert run(START + "client.publish(topic, b'', 1)\nprint('ok')", broker, topic) == "ok\n"


def test_an_interrupt_comes_out_of_a_loop_in_the_main_thread(broker: Broker, topic: str) -> None:
    program = """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    client.set_handler("subscribe", lambda *_: print("up", flush=True))
    try:
        loop.run()
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    """
    process = subprocess.Popen(
        [sys.executable, "-c", START + textwrap.dedent(program), str(broker.port), topic],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout.readline() == "up\n"
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=PATIENCE)
    assert (out, process.returncode) == ("interrupted\n", 0)


def test_an_interrupt_ends_a_wait_for_a_message(broker: Broker, topic: str) -> None:
    program = """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    waiting = client.publish(topic, b"", 1)
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    try:
        waiting.wait()
    except KeyboardInterrupt:
        print("interrupted")
    """
    assert run(START + textwrap.dedent(program), broker, topic) == "interrupted\n"


@pytest.mark.parametrize("where", ["main", "handler"])
def test_a_fork_in_the_middle_of_things_leaves_both_processes_able_to_work(
    broker: Broker, topic: str, where: str
) -> None:
    program = """
    import gc, warnings
    warnings.simplefilter("ignore")  # of later Pythons, about forks and threads

    def child():
        # The parent's client is the parent's; a new one is ours.
        assert client.publish(topic, b"x").rc == n.ERR_INVAL
        client.close()
        loop.close()
        gc.collect()
        mine, other = n.Client(), n.Loop()
        up = []
        mine.set_handler("connect", lambda *_: (up.append(1), mine.publish(topic, b"from the child")))
        other.add(mine)
        mine.connect_async("127.0.0.1", port, 60)
        while not up:
            other.run(1000)
        other.run(100)
        mine.disconnect()
        other.run(100)
        os._exit(0)

    children, forked, heard = [], threading.Event(), threading.Event()

    def fork():
        pid = os.fork()
        if pid == 0:
            child()
        children.append(pid)
        forked.set()

    def on_message(message):
        if message.payload == b"fork":
            fork()
        if message.payload == b"from the child":
            heard.set()

    client.set_handler("message", on_message)
    {}
    for number in range(200):
        client.publish(topic, b"busy")
    if WHERE == "handler":
        client.publish(topic, b"fork")
    else:
        fork()
    assert forked.wait(30)
    assert heard.wait(30)
    assert os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]) == 0
    assert client.publish(topic, b"", 1).wait(30)
    client.disconnect()
    loop.stop()
    thread.join()
    print("both")
    """
    program = textwrap.dedent(program).replace("{}", THREAD).replace("WHERE", repr(where))
    assert run(START + program, broker, topic) == "both\n"
