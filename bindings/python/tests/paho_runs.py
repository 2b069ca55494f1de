"""Programs of Paho's that are run with ours: its tests and its examples.

Both take their time, most of it asleep, so they begin early and run beside other tests.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree
from pathlib import Path
from typing import Any, Iterator

import pytest
from paho_support import in_place_of_paho, sources
from support import Broker, wait_until

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
    **{
        f"tests/test_websocket_integration.py::TestValidHeaders::test_correct_auth[auth_headers{case}": (
            "wants the names of headers as they were given; ours go out in lower case"
        )
        for case in (0, 1)
    },
    "tests/test_websocket_integration.py::TestInvalidWebsocketResponse": _WORDS,
    "tests/test_websocket_integration.py::TestBadWebsocketHeaders": _WORDS,
    **{
        f"tests/test_client.py::Test_connect_v5::test_broker_disconnect_reason[{case}": _NO_REASON
        for case in (
            "tcp--None",
            "unix--None",
            "tcp-\\x00",
            "unix-\\x00",
            "tcp-\\x87-",
            "unix-\\x87-",
        )
    },
}


LEADS_HOME = """
import os
from mqttrs._paho.connection import Connection

connect_to = Connection._connect_to

def home(self, host, port, *rest):
    port = os.environ["WS_PORT" if self._transport == "websockets" else "TCP_PORT"]
    return connect_to(self, "127.0.0.1", int(port), *rest)

Connection._connect_to = home
"""


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


class Examples:
    """The programs, and what they print."""

    def __init__(self, folder: Path, broker: Broker) -> None:
        self.folder = sources(folder) / "examples"
        self.broker = broker
        for path in self.folder.glob("*.py"):
            text = path.read_text()
            path.write_text(re.sub(r"(?m)^(import|from) paho\.mqtt\b", r"\1 mqttrs", text))
        home = folder / "home"
        home.mkdir()
        (home / "sitecustomize.py").write_text(LEADS_HOME)
        import mqttrs

        package = Path(mqttrs.__file__).parent.parent
        self.environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(home), str(package)]),
            "PYTHONUNBUFFERED": "1",
            "TCP_PORT": str(broker.port),
            "WS_PORT": str(broker.ws_port),
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, name: str, *arguments: str) -> Any:
        output = self.folder / f"{name}.{len(self.running)}.output"
        with open(output, "wb") as file:
            process = subprocess.Popen(
                [sys.executable, name, *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )
        self.running.append(process)
        return process, output

    def prints(self, started: Any, *wanted: str) -> None:
        """Waits until a program has printed lines that match all of these."""
        process, output = started
        left = list(wanted)

        def look() -> bool:
            text = output.read_text()
            left[:] = [pattern for pattern in wanted if not re.search(pattern, text)]
            return not left or process.poll() is not None

        wait_until(look, f"{output.name}: {left}")
        look()
        assert not left, (left, output.read_text())
        assert "Traceback" not in output.read_text()

    def ends(self, started: Any, *wanted: str) -> None:
        process, output = started
        assert process.wait(60) == 0, output.read_text()
        self.prints(started, *wanted)


@pytest.fixture(scope="session")
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


@pytest.fixture(scope="session")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Examples]:
    broker = Broker(tmp_path_factory.mktemp("broker"), extra="sys_interval 1")
    found = Examples(tmp_path_factory.mktemp("examples"), broker)
    # These take their time, most of it asleep.
    found.slow = {name: found.start(name) for name in ("loop_asyncio.py", "loop_select.py")}
    yield found
    for process in found.running:
        process.kill()
        process.wait()
    broker.stop()
