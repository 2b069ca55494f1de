"""Packages from PyPI that load libmosquitto by ctypes, and the tests in their source packages."""

import re
import subprocess
import venv
from pathlib import Path

from library import BUILD
from world import Program

HERE = Path(__file__).resolve().parent
FOLDER = BUILD / "consumers/python"
# The versions that the tests of the packages are run with.
TOOLS = ("pytest==8.4.2", "pytest-asyncio==1.2.0")


def program(package, version, title):
    module = package.replace("-", "_")
    sources = FOLDER / f"{module}-{version}"

    def prepare():
        if not (FOLDER / "venv/bin/pytest").exists():
            venv.create(FOLDER / "venv", with_pip=True, clear=True)
            pip("install", *TOOLS)
        if not sources.exists():
            pip("download", "--no-deps", "--no-binary", ":all:", "-d", FOLDER, f"{package}=={version}")
            subprocess.run(["tar", "-xzf", f"{sources}.tar.gz", "-C", FOLDER], check=True)
        pip("install", "--no-deps", f"{package}=={version}")

    def run(world):
        world.broker()
        # The tests run from a folder without the sources, on the package as it is installed.
        for test in (sources / "tests").glob("test_*.py"):
            (world.folder / test.name).write_bytes(test.read_bytes())
        (world.folder / "conftest.py").write_bytes((HERE / "python/conftest.py").read_bytes())
        command = [FOLDER / "venv/bin/python", "-B", "-m", "pytest", "-v", "-p", "no:cacheprovider", "-o", "asyncio_mode=strict"]
        pytest = world.start(command, env={"PACKAGE": module})
        status = pytest.wait()
        outcomes = sorted(
            match.group(1) for line in pytest.lines if (match := re.match(r"(\S+::.* (?:PASSED|FAILED|ERROR|SKIPPED))", line))
        )
        if status != 0:
            raise AssertionError(pytest.lines[-1].strip("= "))
        return re.search(r"\d+ passed[^=]*? in", pytest.lines[-1]).group()[:-3], outcomes

    return Program(
        title=title,
        language="Python",
        through="`ctypes`",
        task="its own tests",
        version=lambda: f"{version} (PyPI)",
        run=run,
        packages=("python3", "python3-venv"),
        prepare=prepare,
    )


def pip(*arguments):
    command = [FOLDER / "venv/bin/python", "-m", "pip", "-q", "--disable-pip-version-check", *arguments]
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)
