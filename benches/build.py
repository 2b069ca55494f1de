"""Compiles the programs of the benchmarks, and makes the certificate they need."""

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path("benches")
BUILD = Path(os.environ.get("MQTTRS_BUILD_DIR") or "build").resolve()
OUT = BUILD / "bench"
DROPIN = BUILD / "dropin"

PROGRAMS = {
    "server": ["server.c", "server_mqtt.c", "-lssl", "-lcrypto"],
    "client": ["client.c", "client_flow.c", "client_life.c", "client_shared.c", "client_filters.c", "-lmosquitto", "-lpthread"],
    "floor": ["floor.c"],
    "floor_shared": ["floor_shared.c"],
    "spawn": ["spawn.c"],
    "paho": ["paho.c", "-lpaho-mqtt3as", "-lpthread"],
}


def program(peer, mode):
    if (peer, mode) == ("floor", "shared"):
        return OUT / "floor_shared"
    return OUT / {"debian": "client", "ours": "client"}.get(peer, peer)


def environment(peer):
    environment = {key: value for key, value in os.environ.items() if not key.startswith("LD_")}
    if peer == "ours":
        # By its path, so that finding it takes no longer than finding an installed library: with
        # LD_LIBRARY_PATH the loader looks for each library in a dozen folders that do not exist.
        environment["LD_PRELOAD"] = str(DROPIN / "libmosquitto.so.1")
    return environment


def run(*command, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)
    if done.returncode != 0:
        sys.exit(f"bench: {' '.join(map(str, command))}:\n{done.stdout}{done.stderr}")


def newer(target, sources):
    return not target.exists() or any(source.stat().st_mtime > target.stat().st_mtime for source in sources)


def compile_c(name):
    words = PROGRAMS[name]
    sources = [SOURCES / word for word in words if word.endswith(".c")]
    if newer(OUT / name, sources + list(SOURCES.glob("*.h"))):
        compiler = os.environ.get("CC") or "cc"
        libraries = [word for word in words if not word.endswith(".c")]
        run(compiler, "-O2", "-Wall", "-Wextra", *sources, "-o", OUT / name, *libraries)


def build_rumqttc():
    target = OUT / "rumqttc-target"
    run(
        os.environ.get("CARGO") or "cargo",
        *("build", "--quiet", "--locked", "--release", "--manifest-path", SOURCES / "rumqttc/Cargo.toml"),
        *("--target-dir", target),
    )
    link = OUT / "rumqttc"
    if not link.exists():
        link.symlink_to(target / "release/bench-rumqttc")


def make_certificates():
    """An authority and a server's certificate for 127.0.0.1."""
    if (OUT / "server.pem").exists() and (OUT / "ca.pem").exists():
        return
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "3650")
    run("openssl", "req", "-x509", *key, "-keyout", OUT / "ca.key", "-out", OUT / "ca.pem", "-subj", "/CN=Benchmark authority")
    run(
        *("openssl", "req", "-x509", *key, "-keyout", OUT / "server.key", "-out", OUT / "server.pem"),
        *("-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"),
        *("-addext", "basicConstraints=critical,CA:FALSE", "-CA", OUT / "ca.pem", "-CAkey", OUT / "ca.key"),
    )


def build(peers):
    OUT.mkdir(parents=True, exist_ok=True)
    if "ours" in peers and not (DROPIN / "libmosquitto.so.1").exists():
        sys.exit("bench: run 'make dropin' first")
    for name in ("server", "client", "floor", "floor_shared", "spawn"):
        compile_c(name)
    if "paho" in peers:
        compile_c("paho")
    if "rumqttc" in peers:
        build_rumqttc()
    make_certificates()
