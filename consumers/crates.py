"""Packages from crates.io that link libmosquitto, built from their sources as they are published."""

import json
import os
import shutil
import subprocess
from pathlib import Path

from library import BUILD

HERE = Path(__file__).resolve().parent
FOLDER = BUILD / "consumers/rust"
CARGO = os.environ.get("CARGO") or "cargo"


def version(crate):
    """As consumers/rust/Cargo.toml wants it."""
    for line in (HERE / "rust/Cargo.toml").read_text().splitlines():
        name, _, rest = line.partition(" = ")
        if name == crate:
            return rest.split('"')[1].lstrip("=")
    raise KeyError(crate)


def build(crate, *arguments):
    """The executables that `cargo ARGUMENTS` builds of a crate's sources, tests or examples, as it was
    asked for: {name: path}."""
    sources = FOLDER / "sources" / crate
    if not sources.exists():
        # It says what is to be written into a configuration, which these builds do without.
        vendor = [CARGO, "vendor", "--quiet", "--locked", "--manifest-path", HERE / "rust/Cargo.toml", FOLDER / "vendor"]
        subprocess.run([str(word) for word in vendor], check=True, stdout=subprocess.DEVNULL)
        shutil.copytree(FOLDER / "vendor" / crate, sources)
    command = [CARGO, *arguments, "--message-format=json-render-diagnostics", "--manifest-path", sources / "Cargo.toml"]
    command += ["--target-dir", FOLDER / "target", "--quiet"]
    # What a newer compiler has to say of their sources is nothing to us.
    env = os.environ | {"RUSTFLAGS": "--cap-lints=allow"}
    done = subprocess.run([str(word) for word in command], env=env, check=True, stdout=subprocess.PIPE, text=True)
    artifacts = [json.loads(line) for line in done.stdout.splitlines()]
    programs = [artifact for artifact in artifacts if artifact.get("executable")]
    wanted = [program for program in programs if program["profile"]["test"] == (arguments[0] == "test")]
    return {program["target"]["name"]: program["executable"] for program in wanted}
