"""Builds the extension module of the package, over libmqttrs.

By default the library is taken in whole: ``libmqttrs.a`` from the folder that ``MQTTRS_BUILD_DIR``
names, or from ``build/`` of the repository around this one, and the headers of ``MQTTRS_INCLUDE_DIR``,
or its ``include/``. With ``MQTTRS_SYSTEM=1`` the module is
linked to an installed ``libmqttrs.so``, which pkg-config finds.
"""

import os
import re
import shlex
import subprocess
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
SOURCES = Path("mqttrs/_native/src")
# Constants of these headers that Python gets, each with the prefix that is left out there.
CONSTANTS = {
    "mosquitto.h": ("MOSQ_ERR_", "MOSQ_OPT_", "MOSQ_LOG_", "MOSQ_T_", "MQTT_PROTOCOL_"),
    "mqttrs.h": ("MQTTRS_",),
    "mqtt_protocol.h": ("MQTT_PROP_", "MQTT_SUB_OPT_", "MQTT_RC_"),
}


def pkg_config(*arguments: str) -> list[str]:
    command = [os.environ.get("PKG_CONFIG", "pkg-config"), *arguments, "mqttrs"]
    return shlex.split(
        subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    )


def from_system() -> bool:
    return os.environ.get("MQTTRS_SYSTEM", "0") not in ("", "0")


def include_dirs() -> list[str]:
    if from_system():
        return [flag[2:] for flag in pkg_config("--cflags-only-I")]
    return [os.environ.get("MQTTRS_INCLUDE_DIR", str(REPOSITORY / "include"))]


def extension() -> Extension:
    options: dict[str, list[str]] = {}
    if from_system():
        options["extra_link_args"] = pkg_config("--libs")
    else:
        build = Path(os.environ.get("MQTTRS_BUILD_DIR", REPOSITORY / "build"))
        archive = build / "libmqttrs.a"
        if not archive.is_file():
            raise SystemExit(
                f"{archive} is not there: run make in the repository, name its folder in "
                "MQTTRS_BUILD_DIR, or set MQTTRS_SYSTEM=1 to link to an installed library"
            )
        options["extra_objects"] = [str(archive)]
        options["depends"] = [str(archive), str(HERE / SOURCES / "core.h")]
        options["extra_link_args"] = [
            "-Wl,--exclude-libs,ALL",
            "-Wl,--gc-sections",
            "-Wl,--as-needed",
            "-Wl,-Bsymbolic",
            "-static-libgcc",
            "-lgcc_eh",
            "-lpthread",
            "-ldl",
            "-lm",
        ]
    return Extension(
        "mqttrs._native._core",
        sources=sorted(str(path.relative_to(HERE)) for path in (HERE / SOURCES).glob("*.c")),
        extra_compile_args=["-std=gnu11", "-fvisibility=hidden", "-Wall", "-Wextra"],
        **options,
    )


def constants(folders: list[str]) -> str:
    """The table of constants in C, whose names are read from the headers."""
    lines = ["/* Made by setup.py from the library's headers. */"]
    lines += ["static const struct {", "\tconst char *name;", "\tlong value;", "} constants[] = {"]
    seen = set()
    for header, prefixes in CONSTANTS.items():
        path = next(p for folder in folders if (p := Path(folder) / header).is_file())
        # A member of an enum, or a macro for a number.
        pattern = re.compile(r"^(?:\s+|#define )((?:%s)\w+) (?:= )?\(?-?\d" % "|".join(prefixes))
        for line in path.read_text().splitlines():
            found = pattern.match(line)
            if found and found[1] not in seen:
                seen.add(found[1])
                name = found[1].replace("MOSQ_", "").replace("MQTTRS_", "").replace("MQTT_", "")
                lines.append(f'\t{{"{name}", {found[1]}}},')
    return "\n".join([*lines, "};", ""])


class Build(build_ext):
    def build_extension(self, ext: Extension) -> None:
        folders = include_dirs()
        made = Path(self.build_temp)
        made.mkdir(parents=True, exist_ok=True)
        (made / "constants.h").write_text(constants(folders))
        ext.include_dirs = [str(SOURCES), str(made), *folders]
        super().build_extension(ext)


def version() -> str:
    text = "\n".join(
        path.read_text()
        for folder in include_dirs()
        if (path := Path(folder) / "mqttrs.h").is_file()
    )
    numbers = [
        re.search(rf"#define MQTTRS_VERSION_{part} (\d+)", text)[1]
        for part in ("MAJOR", "MINOR", "REVISION")
    ]
    return ".".join(numbers)


setup(version=version(), ext_modules=[extension()], cmdclass={"build_ext": Build})
