"""Fixtures, and the account that test.sh gives of a run."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Iterator

import pytest
from paho_runs import examples, suites  # noqa: F401
from support import Broker, Certificates


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="session")
def broker(
    tmp_path_factory: pytest.TempPathFactory, certificates: Certificates
) -> Iterator[Broker]:
    """A broker that all tests share; who stops it takes `own_broker`."""
    broker = Broker(tmp_path_factory.mktemp("broker"), certificates)
    yield broker
    broker.stop()


@pytest.fixture
def own_broker(tmp_path: Path, certificates: Certificates) -> Iterator[Broker]:
    broker = Broker(tmp_path / "broker", certificates)
    yield broker
    broker.stop()


@pytest.fixture
def topic(request: pytest.FixtureRequest) -> str:
    """A topic that no other test has."""
    return f"test/{request.node.name}/{os.getpid()}".replace("+", "_").replace("#", "_")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was skipped and why, and the counts, for test.sh."""
    stats = terminalreporter.stats
    for report in stats.get("skipped", []):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        terminalreporter.write_line(
            f"skipped: {report.nodeid.split('/')[-1]}: {reason.removeprefix('Skipped: ')}"
        )
    counts = os.environ.get("MQTTRS_COUNTS")
    if counts:
        failed = len(stats.get("failed", [])) + len(stats.get("error", []))
        passed, skipped = len(stats.get("passed", [])), len(stats.get("skipped", []))
        Path(counts).write_text(f"{passed} passed, {failed} failed, {skipped} skipped\n")
