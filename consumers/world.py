"""What a program of others is put to work in: a broker, somebody who listens, files, processes."""

import os
import queue
import re
import signal
import socket
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

import isolation
import library

# Long enough for a busy machine; nothing takes nearly as long.
PATIENCE = 30


@dataclass
class Program:
    """A program of others, and what is done with it."""

    title: str
    language: str
    # How it comes by libmosquitto.
    through: str
    # What was run.
    task: str
    # Gives the version.
    version: Callable[[], str]
    # Puts it to work in a World; gives a summary for the table, and the lines that have to be the
    # same on both libraries.
    run: Callable[["World"], tuple[str, list[str]]]
    packages: tuple[str, ...] = ()
    # What it does otherwise on libmqttrs, and why: {what: why}.
    explanations: Callable[[], dict[str, str]] | None = None
    # Fetches and builds what is not in Debian.
    prepare: Callable[[], None] | None = None


class World:
    """A folder and the processes of one run on one library."""

    def __init__(self, folder: Path, which: str):
        self.folder = folder
        self.library = which
        self.loader_log = folder / "loader" / "libs"
        self.loader_log.parent.mkdir()
        self.env = library.environment(which, self.loader_log)
        self.processes: list[Process] = []
        # Where processes run that find the library by a relative path.
        self.working_folder = folder
        isolation.loopback_up()

    def write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def start(self, command, **options):
        """A process on the library that is to be tried."""
        return self._start(command, options.pop("env", {}), self.env, options)

    def start_outside(self, command, **options):
        """A process that has nothing to do with that library."""
        plain = library.environment(library.DEBIAN, self.folder / "unused")
        del plain["LD_DEBUG"], plain["LD_DEBUG_OUTPUT"]
        return self._start(command, options.pop("env", {}), plain, options)

    def _start(self, command, env, base, options):
        process = Process([str(word) for word in command], base | env, self.folder, **options)
        self.processes.append(process)
        return process

    def output(self, command, **options):
        """Runs a program on the library to its end, which has to be a good one; what it said."""
        process = self.start(command, **options)
        status = process.wait()
        if status != 0:
            raise AssertionError(f"{Path(command[0]).name} ended with {status}")
        return process.text()

    def broker(self, settings="", port=1883):
        return Broker(self, settings, port)

    def check_library(self):
        library.check(self.library, self.loader_log, self.working_folder)

    def show_outputs(self):
        for process in self.processes:
            if not process.lines:
                continue
            print(f"--- {' '.join(process.command)[:200]}")
            print(process.text()[-3000:])

    def close(self):
        for process in reversed(self.processes):
            process.kill()


class Process:
    """A process whose lines, of both outputs, can be waited for."""

    def __init__(self, command, env, folder, stdin=None):
        self.command = command
        self.lines: list[str] = []
        self._new: queue.Queue = queue.Queue()
        self._read = 0
        self.process = subprocess.Popen(
            command,
            env=env,
            cwd=folder,
            stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        if stdin is not None:
            self.process.stdin.write(stdin)
            self.process.stdin.close()

    def _collect(self):
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._new.put(None)
        self._new.put(None)

    def wait_for(self, pattern, times=1):
        """Waits until so many lines, from the first on, match; gives the last of these."""
        end = time.monotonic() + PATIENCE
        while True:
            over = not self._reader.is_alive()
            matches = [match for line in list(self.lines) if (match := re.search(pattern, line))]
            if len(matches) >= times:
                return matches[times - 1]
            if over or time.monotonic() > end:
                why = "it ended" if over else f"not after {PATIENCE} s"
                raise AssertionError(f"{Path(self.command[0]).name}: no line with {pattern}: {why}")
            try:
                self._new.get(timeout=1)
            except queue.Empty:
                pass

    def wait(self):
        status = self.process.wait(timeout=PATIENCE * 5)
        self._reader.join(PATIENCE)
        return status

    def terminate(self):
        """Asks it to end, and waits until it has; its status."""
        self.process.send_signal(signal.SIGTERM)
        return self.wait()

    def kill(self):
        """Ends it and whatever it has started."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def text(self):
        return "\n".join(list(self.lines))


class Broker:
    """Debian's Mosquitto, which says on its output what it gets and sends."""

    def __init__(self, world, settings, port):
        self.world, self.port = world, port
        config = world.write(
            f"broker-{port}.conf",
            f"listener {port} 127.0.0.1\nallow_anonymous true\nlog_type all\nlog_dest stderr\nuser root\n{settings}\n",
        )
        self.process = world.start_outside(["/usr/sbin/mosquitto", "-c", config])
        self.process.wait_for("mosquitto version .* running")

    def wait_for(self, pattern, times=1):
        return self.process.wait_for(pattern, times)

    def listen(self, topic, *options):
        """Somebody who has subscribed and prints topic, QoS and payload of what comes."""
        name = f"listener-{len(self.world.processes)}"
        command = ["/usr/bin/mosquitto_sub", "-p", self.port, "-i", name, "-q", "2", "-t", topic]
        listener = self.world.start_outside([*command, "-F", "%t %q %p", *options])
        self.wait_for(f"Sending SUBACK to {name}")
        return listener

    def publish(self, topic, payload, qos=1, *options):
        """Somebody publishes, and has been told that it arrived."""
        command = ["/usr/bin/mosquitto_pub", "-p", self.port, "-q", qos, "-t", topic, "-m", payload]
        publisher = self.world.start_outside([*command, *options])
        if publisher.wait() != 0:
            raise AssertionError(publisher.text())


@dataclass
class Certificates:
    """An authority, and what it has signed for the broker, localhost, and for a client."""

    ca: Path
    server: Path
    server_key: Path
    client: Path
    client_key: Path

    @classmethod
    def make(cls, world):
        folder = world.folder / "certificates"
        folder.mkdir()

        def openssl(*arguments):
            subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

        new = ["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        openssl(*new, "-x509", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.crt")
        for name, host in (("server", "localhost"), ("client", "client")):
            (folder / "names").write_text(f"subjectAltName=DNS:{host}\n")
            openssl(*new[:-2], "-subj", f"/CN={host}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
            sign = ["x509", "-req", "-in", f"{name}.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial"]
            openssl(*sign, "-days", "2", "-extfile", "names", "-out", f"{name}.crt")
        return cls(*(folder / name for name in ("ca.crt", "server.crt", "server.key", "client.crt", "client.key")))

    def listener(self, port):
        """Settings for a further listener of the broker, which wants a client's certificate."""
        return (
            f"listener {port} 127.0.0.1\ncafile {self.ca}\ncertfile {self.server}\nkeyfile {self.server_key}\n"
            "require_certificate true\n"
        )


def free_port():
    with socket.socket() as anything:
        anything.bind(("127.0.0.1", 0))
        return anything.getsockname()[1]


def debian_version(package):
    """The version of an installed package."""
    command = ["dpkg-query", "--show", "--showformat=${Version}", package]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout + " (Debian)"
