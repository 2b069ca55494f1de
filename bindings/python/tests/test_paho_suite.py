"""Paho's own tests, from its source distribution, run with ours in the place of `paho.mqtt`.

One thing is changed in them: the sub-protocol with which a server of theirs answers a WebSocket's
request, `chat`, becomes `mqtt`, since RFC 6455 has clients refuse what they did not ask for.
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import Any, Iterator

import pytest
from paho_support import in_place_of_paho, sources

_BYTES = "wants the bytes of CONNECT without a property that says how much the client takes at once"
_INSIDE = "looks at Paho's inside"
_WORDS = "wants the words of Paho's exceptions"
_NO_REASON = (
    "a DISCONNECT of the server's that gives no reason is a lost connection for the library, and "
    "properties that are empty and such that are missing are the same"
)
_NOT_DUP = "a new session has no messages that are sent again, so DUP is not set"

#: Tests that are not run, and why; a name stands for all that begin with it.
LEFT_OUT = {
    "tests/test_packet.py": _INSIDE,
    "tests/test_websockets.py": _INSIDE,
    "tests/test_mqttv5.py": "needs a broker of Paho's that its distribution does not have",
    "tests/lib/test_08_ssl_default_tls_version.py": _INSIDE,
    "tests/lib/test_03_publish_helper_qos0_v5.py": _BYTES,
    "tests/lib/test_03_publish_helper_qos1_disconnect.py": _NOT_DUP,
    "tests/lib/test_03_publish_c2b_qos1_disconnect.py": _NOT_DUP,
    "tests/lib/test_03_publish_c2b_qos2_disconnect.py": _NOT_DUP,
    "tests/test_client.py::TestPublishBroker2Client::test_invalid_utf8_topic": (
        "a topic that is no UTF-8 ends the connection (MQTT 3.1.1 section 1.5.3)"
    ),
    "tests/test_client.py::TestMalformedPacket::test_malformed_connack": _BYTES,
    "tests/test_client.py::TestLargeDownload": "a keep alive of one second becomes two",
    "tests/test_client.py::TestPublish::test_publish_before_connect": (
        "wants the second connection that Paho makes where the thread was started first"
    ),
    "tests/test_websocket_integration.py::TestInvalidWebsocketResponse": _WORDS,
    "tests/test_websocket_integration.py::TestBadWebsocketHeaders": _WORDS,
    **{
        f"tests/test_client.py::Test_connect_v5::test_broker_disconnect_reason[{case}": _NO_REASON
        for case in ("tcp--None", "unix--None", "tcp-\\x00", "unix-\\x00", "tcp-\\x87-", "unix-\\x87-")
    },
}


class Suite:
    """A run of Paho's tests."""

    def __init__(self, folder: Path, where: list[str]) -> None:
        self.report = folder / "report.xml"
        root = sources(folder)
        server = root / "tests" / "test_websocket_integration.py"
        server.write_text(server.read_text().replace('"chat"', '"mqtt"'))
        path = f"{in_place_of_paho(folder)}{os.pathsep}{root}"
        left_out = [part for name in LEFT_OUT for part in ("--deselect", name)]
        ignored = [part for name in LEFT_OUT if "::" not in name for part in ("--ignore", name)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
            + [*left_out, *ignored, f"--junitxml={self.report}", *where],
            cwd=root,
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def results(self) -> tuple[dict[str, int], list[str]]:
        """The counts, and the names of what failed."""
        output, _ = self.process.communicate(timeout=240)
        assert self.report.is_file(), output
        suite = next(xml.etree.ElementTree.parse(self.report).iter("testsuite"))
        failed = [
            f"{case.get('classname')}.{case.get('name')}"
            for case in suite.iter("testcase")
            if case.find("failure") is not None or case.find("error") is not None
        ]
        counts = {key: int(suite.get(key)) for key in ("tests", "failures", "errors", "skipped")}
        return counts, failed + ([output] if failed else [])


@pytest.fixture(scope="module")
def suites(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Suite]]:
    """Both parts at once, since they mostly wait."""
    running = {
        "programs": Suite(tmp_path_factory.mktemp("programs"), ["tests/lib"]),
        "units": Suite(tmp_path_factory.mktemp("units"), ["tests", "--ignore", "tests/lib"]),
    }
    yield running
    for suite in running.values():
        suite.process.kill()
        suite.process.wait()


@pytest.mark.parametrize("part, at_least", [("programs", 30), ("units", 110)])
def test_paho_s_own_tests_pass(suites: Any, part: str, at_least: int) -> None:
    counts, failed = suites[part].results()
    assert not failed, "\n".join(failed)
    assert counts["tests"] - counts["skipped"] >= at_least
