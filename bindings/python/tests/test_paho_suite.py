"""Paho's own tests, from its source distribution, run with ours in the place of `paho.mqtt`.

One thing is changed in them: the sub-protocol with which a server of theirs answers a WebSocket's
request, `chat`, becomes `mqtt`, since RFC 6455 has clients refuse what they did not ask for.
"""

from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize("part, at_least", [("programs", 29), ("units", 125)])
def test_paho_s_own_tests_pass(suites: Any, part: str, at_least: int) -> None:
    counts, failed = suites[part].results()
    assert not failed, "\n".join(failed)
    assert counts["tests"] - counts["skipped"] >= at_least
