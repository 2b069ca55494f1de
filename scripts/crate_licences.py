#!/usr/bin/env python3
"""The licences of the crates that the libraries contain, as `cargo` knows them.

crate_licences.py list                 each crate, its version and its licence
crate_licences.py copyright TEMPLATE   TEMPLATE with @CRATES@ replaced by paragraphs for debian/copyright
crate_licences.py texts                the texts of the licences, each once, after the crates that have it

CARGO_FLAGS says which features the libraries are built with, as for the Makefile. A crate without a
licence is an error, and so is a licence for which TEMPLATE has no paragraph.
"""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What differs between processors are a few crates of cryptography; each of these is named.
TARGETS = ["x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu", "armv7-unknown-linux-gnueabihf"]
NOTICE = re.compile(r"^\W*(Copyright\s+(?:\(c\)|©|\d{4}|The|\w+ \d{4}).*)$", re.IGNORECASE)


def cargo(*arguments: str) -> str:
    command = [os.environ.get("CARGO", "cargo"), *arguments]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout


def feature_flags() -> list[str]:
    """Of CARGO_FLAGS, what says something about features."""
    flags = shlex.split(os.environ.get("CARGO_FLAGS", ""))
    chosen = []
    for position, flag in enumerate(flags):
        if flag in ("--no-default-features", "--all-features") or flag.startswith("--features="):
            chosen.append(flag)
        elif flag in ("--features", "-F"):
            chosen += flags[position : position + 2]
    return chosen


def linked() -> set[tuple[str, str]]:
    """Name and version of each crate whose code is in the libraries: none that only helps to build or test."""
    found = set()
    for target in TARGETS:
        lines = cargo(
            "tree", "--locked", "--edges", "normal,no-proc-macro", "--target", target,
            "--prefix", "none", "--format", "{p}", *feature_flags(),
        )  # fmt: skip
        for line in lines.splitlines():
            name, version = line.split()[:2]
            found.add((name, version.removeprefix("v")))
    return {crate for crate in found if crate[0] != "mqttrs"}


class Crate:
    def __init__(self, package: dict) -> None:
        self.name = f"{package['name']}-{package['version']}"
        self.authors = [re.sub(r"\s*<.*>", "", author) for author in package["authors"]]
        if not package["license"]:
            sys.exit(f"{self.name} names no licence")
        # `MIT/Apache-2.0` is how the choice was once written.
        words = package["license"].replace("/", " OR ").split()
        self.licence = " ".join(word.lower() if word in ("OR", "AND") else word for word in words)
        if " and " not in self.licence:
            self.licence = " or ".join(sorted(self.licence.split(" or "), key=order))
        folder = Path(package["manifest_path"]).parent
        self.texts = [
            path.read_text(errors="replace").strip()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and re.match(r"((UN)?LICEN[CS]E|COPYING|COPYRIGHT|NOTICE)\b(?!.*\.rs$)", path.name, re.IGNORECASE)
        ]

    def licences(self) -> list[str]:
        return re.split(r" (?:or|and) ", self.licence.strip("()"))

    def notices(self) -> list[str]:
        """Whose copyright it is: by the texts of the licences, else by the crate's description."""
        found = []
        for text in self.texts:
            for line in text.splitlines():
                match = NOTICE.match(line)
                if match and "[" not in line and "{" not in line:
                    notice = re.sub(r"^Copyright\s*(\(c\)|©)?\s*", "", match.group(1).strip(), flags=re.IGNORECASE)
                    found.append(notice.rstrip(". "))
        return list(dict.fromkeys(found)) or self.authors or [f"The authors of {self.name}"]


def order(licence: str) -> tuple[bool, str]:
    return licence != "MIT", licence


def crates() -> list[Crate]:
    wanted = linked()
    packages = json.loads(cargo("metadata", "--locked", "--format-version", "1", *feature_flags()))["packages"]
    found = [Crate(package) for package in packages if (package["name"], package["version"]) in wanted]
    if len(found) != len(wanted):
        sys.exit("cargo tree and cargo metadata do not agree about the crates")
    return sorted(found, key=lambda crate: crate.name)


def paragraph(crate: Crate) -> str:
    holders = "\n ".join(crate.notices())
    return f"Files: crates/{crate.name}/*\nCopyright: {holders}\nLicense: {crate.licence}"


def write_copyright(template: Path) -> None:
    text = template.read_text()
    known = set(re.findall(r"^License: (.*)$", text, re.MULTILINE))
    found = crates()
    for crate in found:
        for licence in crate.licences():
            if licence not in known:
                sys.exit(f"{template} has no paragraph for the licence {licence} of {crate.name}")
    print(text.replace("@CRATES@", "\n\n".join(map(paragraph, found))), end="")


def normal(text: str) -> str:
    return " ".join(text.split())


def write_texts() -> None:
    with_text: dict[str, tuple[str, list[str]]] = {}
    without: dict[str, list[Crate]] = {}
    for crate in crates():
        if not crate.texts:
            without.setdefault(crate.licence, []).append(crate)
        for text in crate.texts:
            with_text.setdefault(normal(text), (text, []))[1].append(crate.name)
    print("The texts of the licences of the crates in libmqttrs, as the crates contain them.\n")
    for licence, those in without.items():
        print(fill(f"Without a text of their own, under {licence}:"))
        for crate in those:
            print(fill(f"{crate.name}, {', '.join(crate.notices())}", "    "))
        print()
    for text, names in with_text.values():
        print("=" * 78)
        print(fill(", ".join(names)))
        print("=" * 78 + f"\n\n{text}\n")


def fill(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 78, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False)


def main() -> None:
    match sys.argv[1:]:
        case ["list"]:
            for crate in crates():
                print(f"{crate.name}\t{crate.licence}")
        case ["copyright", template]:
            write_copyright(Path(template))
        case ["texts"]:
            write_texts()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main()
