"""What the tests share: a broker of Debian's, certificates, a proxy that cuts connections."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import gc
import getpass
import os
import select
import socket
import subprocess
import threading
import time
from pathlib import Path
from typing import Any, Callable, Optional

#: Seconds that anything may take which is waited for.
PATIENCE = 30


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def wait_until(condition: Callable[[], Any], what: str = "it") -> Any:
    """Waits for a state that nothing tells of: a listening port, a count, a folder."""
    deadline = time.monotonic() + PATIENCE
    while not (value := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen in {PATIENCE} seconds"
        time.sleep(0.005)
    return value


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Broker:
    """Debian's mosquitto on free ports: ``port``, with TLS ``tls_port``, WebSocket ``ws_port``.

    ``tls_port`` asks for a client certificate. ``extra`` are lines for its configuration, before
    the listeners.
    """

    def __init__(
        self, folder: Path, certificates: Optional["Certificates"] = None, extra: str = ""
    ):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.certificates = certificates
        self.extra = extra
        self.process: Optional[subprocess.Popen[bytes]] = None
        self._new_ports()
        self.start()

    def _new_ports(self) -> None:
        self.port, self.tls_port, self.ws_port = free_port(), free_port(), free_port()

    def _configuration(self) -> str:
        # As root it would become a user who may not read the keys.
        user = getpass.getuser()
        lines = [f"user {user}", "allow_anonymous true", "max_queued_messages 0"]
        lines += ["set_tcp_nodelay true", self.extra]
        lines += [f"listener {self.port} 127.0.0.1"]
        lines += [f"listener {self.ws_port} 127.0.0.1", "protocol websockets"]
        if self.certificates:
            lines += [
                f"listener {self.tls_port} 127.0.0.1",
                f"cafile {self.certificates.ca}",
                f"certfile {self.certificates.server}",
                f"keyfile {self.certificates.server_key}",
                "require_certificate true",
            ]
        return "\n".join([*lines, ""])

    def start(self) -> None:
        """Starts it, again after stop() on the same ports."""
        for _ in range(5):
            configuration = self.folder / "mosquitto.conf"
            configuration.write_text(self._configuration())
            with open(self.folder / "mosquitto.log", "wb") as log:
                self.process = subprocess.Popen(
                    ["mosquitto", "-c", str(configuration)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    env={**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin"},
                )
            process = self.process
            ports = [self.port, self.ws_port] + ([self.tls_port] if self.certificates else [])
            wait_until(
                lambda: process.poll() is not None
                or (all(map(is_listening, ports)) and "running" in self._log()),
                "the broker",
            )
            if process.poll() is None:
                return
            # Somebody else has taken one of the ports meanwhile.
            self._new_ports()
        raise AssertionError(self._log())

    def _log(self) -> str:
        return (self.folder / "mosquitto.log").read_text()

    def stop(self) -> None:
        """Kills it: clients hear nothing but the end of their connections."""
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        self.stop()
        self.start()


class Certificates:
    """An authority, a server for 127.0.0.1 and localhost, a client; files in PEM."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.ca, self.ca_key = folder / "ca.pem", folder / "ca.key"
        _openssl(
            *f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj /CN=ca "
            f"-keyout {self.ca_key} -out {self.ca}".split()
        )
        self.server, self.server_key = self._issue("server", "IP:127.0.0.1,DNS:localhost")
        self.client, self.client_key = self._issue("client", "DNS:client")

    def _issue(self, name: str, names: str) -> tuple[Path, Path]:
        certificate, key = self.folder / f"{name}.pem", self.folder / f"{name}.key"
        request, extensions = self.folder / f"{name}.csr", self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={names}\nbasicConstraints=critical,CA:FALSE\n")
        _openssl(
            *f"req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN={name} "
            f"-keyout {key} -out {request}".split()
        )
        _openssl(
            *f"x509 -req -in {request} -CA {self.ca} -CAkey {self.ca_key} -CAcreateserial -days 30 "
            f"-extfile {extensions} -out {certificate}".split()
        )
        return certificate, key


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Cutter:
    """A proxy to a broker, whose connections can be cut."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._lock = threading.Lock()
        self.accepted = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = self._listener.accept()
                far = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._pairs.append((near, far))
                    self.accepted += 1
                threading.Thread(target=self._copy, args=(near, far), daemon=True).start()

    @staticmethod
    def _copy(near: socket.socket, far: socket.socket) -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                for source in select.select([near, far], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        near.close(), far.close()
                        return
                    (far if source is near else near).sendall(data)

    def cut(self) -> None:
        """Ends all connections; new ones can be made."""
        with self._lock:
            pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        self._listener.close()
        self.cut()


def in_loop(test: Callable[..., Any]) -> Callable[..., None]:
    """A test that is an async function; it has no longer than PATIENCE."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def limited() -> None:
            await asyncio.wait_for(test(*args, **kwargs), PATIENCE)

        asyncio.run(limited())

    return run


def resident_kb() -> int:
    """The memory that this process has, in KB, after what can be freed was freed."""
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise AssertionError("no VmRSS")
