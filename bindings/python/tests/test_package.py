"""The package as it is installed: wheels, the code of README.md, the example."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from support import PATIENCE, Broker

import mqttrs
from mqttrs import _native

HERE = Path(__file__).resolve().parent.parent
REPOSITORY = HERE.parent.parent
README = (HERE / "README.md").read_text()
CODE = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
EXAMPLES = sorted((HERE / "examples").glob("*.py"))


def run(*command: object, **options: object) -> str:
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=10 * PATIENCE,
        **options,
    )
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout


def python_of(folder: Path, *wheels: Path) -> Path:
    """A fresh environment with nothing but this."""
    run(sys.executable, "-m", "venv", "--without-pip", folder)
    python = folder / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", python, "-q", "--disable-pip-version-check"]
    run(*pip, "install", "--no-index", "--no-deps", *wheels)
    return python


@pytest.fixture(scope="module")
def wheel() -> Path:
    if "MQTTRS_WHEEL" not in os.environ:
        pytest.skip("test.sh builds the wheel")
    return Path(os.environ["MQTTRS_WHEEL"])


@pytest.fixture(scope="module")
def fresh(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return python_of(tmp_path_factory.mktemp("fresh") / "venv", wheel)


@pytest.mark.parametrize("number", range(len(CODE)))
def test_the_quick_starts_of_the_readme_run_in_a_fresh_environment(
    fresh: Path, own_broker: Broker, number: int
) -> None:
    program = CODE[number].replace("1883", str(own_broker.port))
    assert str(own_broker.port) in program
    out = run(fresh, "-I", "-c", program, cwd=fresh.parent)
    assert out == "greetings/world: hello\n"


def test_the_readme_has_the_two_quick_starts() -> None:
    assert len(CODE) == 2


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_the_examples_run(fresh: Path, own_broker: Broker, example: Path) -> None:
    out = run(fresh, "-I", example, "127.0.0.1", own_broker.port)
    lines = out.splitlines()
    assert len(lines) == 11 and lines[-1].startswith("average  ")
    assert {line.split()[0] for line in lines[:-1]} == {"hall", "kitchen", "attic"}


def test_the_wheel_brings_the_library_and_its_types(fresh: Path) -> None:
    program = """if True:
        import importlib.resources, mqttrs, mqttrs._native._core as core
        files = importlib.resources.files(mqttrs)
        assert (files / "py.typed").is_file() and (files / "_native" / "_core.pyi").is_file()
        print(core.__file__, mqttrs.__version__)
    """
    file, version = run(fresh, "-I", "-c", program).split()
    assert str(fresh.parent.parent) in file and version == mqttrs.__version__
    needed = run("objdump", "-p", file)
    assert "libmqttrs" not in needed and "libmosquitto" not in needed
    # And shares none of it: another libmosquitto in the same process is left alone.
    exported = run("nm", "-D", "--defined-only", file).split()
    assert [name for name in exported[2::3]] == ["PyInit__core"]


def test_the_package_can_use_an_installed_library(tmp_path: Path, own_broker: Broker) -> None:
    build = Path(os.environ["MQTTRS_BUILD_DIR"])
    prefix = tmp_path / "prefix"
    for folder in ("lib/pkgconfig", "include"):
        (prefix / folder).mkdir(parents=True)
    shutil.copy(build / "libmqttrs.so.0", prefix / "lib")
    (prefix / "lib" / "libmqttrs.so").symlink_to("libmqttrs.so.0")
    shutil.copytree(REPOSITORY / "include", prefix / "include" / "mqttrs")
    template = (REPOSITORY / "mqttrs.pc.in").read_text()
    for name, value in {
        "PREFIX": prefix,
        "LIBDIR": prefix / "lib",
        "INCLUDEDIR": prefix / "include" / "mqttrs",
        "VERSION": mqttrs.__version__,
    }.items():
        template = template.replace(f"@{name}@", str(value))
    (prefix / "lib" / "pkgconfig" / "mqttrs.pc").write_text(template)
    source = tmp_path / "source"
    source.mkdir()
    for name in ("README.md", "pyproject.toml", "setup.py"):
        shutil.copy(HERE / name, source)
    shutil.copytree(HERE / "mqttrs", source / "mqttrs", ignore=shutil.ignore_patterns("*.so"))
    environment = {key: value for key, value in os.environ.items() if not key.startswith("MQTTRS_")}
    environment["PKG_CONFIG_PATH"] = str(prefix / "lib" / "pkgconfig")
    environment.update(MQTTRS_SYSTEM="1", CFLAGS="-O0")
    run(sys.executable, "setup.py", "-q", "build_ext", "--inplace", cwd=source, env=environment)
    (made,) = (source / "mqttrs" / "_native").glob("*.so")
    assert "libmqttrs.so.0" in run("objdump", "-p", made)
    program = CODE[1].replace("1883", str(own_broker.port))
    environment.update(PYTHONPATH=str(source), LD_LIBRARY_PATH=str(prefix / "lib"))
    out = run(sys.executable, "-c", program, env=environment, cwd=tmp_path)
    assert out == "greetings/world: hello\n"


def test_the_types_of_the_native_layer_name_what_it_has() -> None:
    """The stub against the module: classes, methods, functions, constants."""
    stub = ast.parse((HERE / "mqttrs" / "_native" / "_core.pyi").read_text())
    functions, classes = set(), {}
    for node in stub.body:
        if isinstance(node, ast.FunctionDef):
            functions.add(node.name)
        elif isinstance(node, ast.ClassDef):
            classes[node.name] = {
                inner.name if isinstance(inner, ast.FunctionDef) else inner.target.id
                for inner in node.body
                if isinstance(inner, (ast.FunctionDef, ast.AnnAssign))
            } - {"__init__"}
    core = _native._core
    real = {name for name in vars(core) if not name.startswith("_")}
    types = {name for name in real if isinstance(getattr(core, name), type)}
    assert set(classes) == types
    for name in types:
        assert classes[name] == {
            one for one in vars(getattr(core, name)) if not one.startswith("__")
        }, name
    assert functions == {name for name in real - types if callable(getattr(core, name))} | {
        "__getattr__"
    }


def test_everything_that_is_public_in_the_asyncio_client_is_documented() -> None:
    from mqttrs import aio

    for name in aio.__all__:
        assert getattr(aio, name).__doc__, name
    for name, member in vars(aio.Client).items():
        if not name.startswith("_"):
            assert member.__doc__, name
