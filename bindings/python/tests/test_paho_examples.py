"""Paho's published examples, from its source distribution, with only the import changed.

They want to talk to public servers. A `sitecustomize` of the test's leads every connection to a
broker of its own instead; the programs themselves are as published.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from paho_runs import Examples

LEFT_OUT = {
    "aws_iot.py": "needs an account at AWS",
    "client_sub-srv.py": "needs SRV records of a public domain",
    "loop_trio.py": "needs the package trio",
    "context.py": "is a part of the others",
}

#: A program of ours, for something that is to be cleared.
RETAIN = """
import mqttrs.publish
mqttrs.publish.single("kept", "x", 1, True, "127.0.0.1")
"""


#: Programs that run until they are stopped, and what they print.
ENDLESS = {
    "client_logger.py": [r"CONNECT", r"CONNACK", r"SUBSCRIBE", r"SUBACK", r"PUBLISH.*\$SYS/broker"],
    "client_sub.py": [
        r"reason_code: Success",
        r"Subscribed: 1 .*QoS 0",
        r"\$SYS/broker/version 0 b'",
    ],
    "client_sub_opts.py": [r"Connecting to .* port: 1883", r"reason_code: Success", r"\$SYS/.* b'"],
    "client_sub-class.py": [
        r"rc: Success",
        r"Subscribed: 1 ",
        r"CONNACK",
        r"\$SYS/broker/\S+ 0 b'",
    ],
    "client_sub-ws.py": [r"reason_code: Success", r"Subscribed: 1 ", r"\$SYS/broker/version 0 b'"],
    "client_sub-multiple-callback.py": [
        r"(?m)^MESSAGES: \$SYS/broker/messages/",
        r"(?m)^BYTES: \$SYS/broker/bytes/",
        r"(?m)^\$SYS/broker/version",
    ],
}

#: Programs that end, with arguments, and what they print.
ENDING = {
    "client_pub-wait.py": ([], [r"tuple", r"class", r"reason_code: Success"]),
    "client_session_present.py": (
        [],
        [r"First connection:\n +Session present: ", r"Second connection:\n +Session present: True",
         r"session=True\):\n +Session present: False\n +Connection result: Success"],
    ),
    "client_pub_opts.py": (
        ["-q", "2", "-N", "2", "-S", "0"],
        [r"connect reason_code: Success", r"mid: 1\n", r"Publishing: .*1"],
    ),
}  # fmt: skip

#: One message each, and where it goes.
ONE_SHOT = {
    "publish_single.py": ["paho/test/single : b'boo'"],
    "publish_multiple.py": [
        "paho/test/multiple : b'multiple 1'",
        "paho/test/multiple : b'multiple 2'",
    ],
    "publish_utf8-27.py": ["paho/test/single/ô : b'b\\\\xc3\\\\xb4\\\\xc3\\\\xb4'"],
    "publish_utf8-3.py": ["paho/test/single/ô : b'German umlauts"],
}


@pytest.mark.parametrize("name", ENDLESS)
def test_it_runs_and_prints_what_comes(examples: Examples, name: str) -> None:
    examples.prints(examples.start(name), *ENDLESS[name])


@pytest.mark.parametrize("name", ENDING)
def test_it_runs_to_its_end(examples: Examples, name: str) -> None:
    arguments, wanted = ENDING[name]
    examples.ends(examples.start(name, *arguments), *wanted)


def test_subscribe_callback_prints_what_the_publishing_examples_publish(examples: Examples) -> None:
    listening = examples.start("subscribe_callback.py")
    # Retained, so that it shows when the subscription stands.
    examples.ends(examples.start("client_pub_opts.py", "-t", "first", "-q", "1", "-S", "0"))
    while b"first" not in listening[1].read_bytes():
        assert listening[0].poll() is None, listening[1].read_text()
        examples.ends(examples.start("client_pub_opts.py", "-t", "first", "-q", "1", "-S", "0"))
    for name, wanted in ONE_SHOT.items():
        examples.ends(examples.start(name))
        examples.prints(listening, *wanted)


def test_subscribe_simple_prints_two_messages_and_ends(examples: Examples) -> None:
    listening = examples.start("subscribe_simple.py")
    while listening[0].poll() is None:
        examples.ends(examples.start("publish_single.py"))
    examples.ends(listening, r"(?s)paho/test/single\nb'boo'")


def test_the_retained_message_is_cleared(examples: Examples) -> None:
    subprocess.run([sys.executable, "-c", RETAIN], env=examples.environment, check=True)
    examples.ends(
        examples.start("client_mqtt_clear_retain.py", "-v", "-t", "kept"), r"Clearing topic kept"
    )


def test_a_request_is_answered(examples: Examples) -> None:
    server = examples.start("server_rpc_math.py")
    examples.prints(server, r"Subscribing to math requests")
    client = examples.start("client_rpc_math.py", "add", "1", "2.5")
    examples.ends(client, r"Response: 3.5")
    examples.prints(server, r"Sending response 3.5 on 'replies/math/")


@pytest.mark.parametrize("name", ["loop_asyncio.py", "loop_select.py"])
def test_a_foreign_loop_drives_the_client(examples: Examples, name: str) -> None:
    lengths = (
        r"Got response with 200000 bytes" if "asyncio" in name else r"Got message with len 200000"
    )
    started = examples.slow[name]
    examples.ends(
        started, r"Socket opened", lengths, r"Disconnected: Normal disconnection", r"Finished"
    )
    assert len(re.findall(lengths, started[1].read_text())) == 3


def test_every_example_is_run_or_has_a_reason(examples: Examples) -> None:
    found = {path.name for path in examples.folder.glob("*.py")}
    run = {
        Path(name).name.split(".py")[0] + ".py"
        for name in os.listdir(examples.folder)
        if ".output" in name
    }
    assert found == run | set(LEFT_OUT)
