"""The pages of the reference: which functions and types each has, and its examples."""

import dataclasses
import re
import tomllib

from header import ROOT, Item, exported, items

REFERENCE = ROOT / "docs" / "reference"


@dataclasses.dataclass
class Group:
    name: str
    title: str
    about: str
    functions: list[Item]
    types: list[Item]

    @property
    def example_path(self) -> str:
        return f"docs/reference/examples/{self.name}.c"

    def program(self) -> str:
        return (ROOT / self.example_path).read_text()

    def examples(self) -> dict[str, str]:
        """For each function the part of the program that shows it."""
        parts = parts_of(self.program())
        return {
            function.name: part
            for function in self.functions
            for part in [next((p for p in parts if calls(p, function.name)), None)]
            if part
        }


def groups() -> list[Group]:
    known = items()
    table = tomllib.loads((REFERENCE / "groups.toml").read_text())
    return [
        Group(
            name=entry["name"],
            title=entry["title"],
            about=" ".join(entry["about"].split()),
            functions=[known[name] for name in entry["functions"]],
            types=[item for name in entry["types"] for item in named(known, name)],
        )
        for entry in table["group"]
    ]


def named(known: dict[str, Item], name: str) -> list[Item]:
    """The item of this name; of a name that ends with an underscore all constants beginning so."""
    if name.endswith("_"):
        return [item for item in known.values() if item.kind == "constant" and item.name.startswith(name)]
    headings = [f"struct {name}", f"enum {name}", name]
    return [next(known[heading] for heading in headings if heading in known)]


def missing() -> list[str]:
    """What has no place in the reference, or two, or no example."""
    faults = []
    pages = groups()
    documented = [item.heading for page in pages for item in [*page.functions, *page.types]]
    for name in sorted({name for name in documented if documented.count(name) > 1}):
        faults.append(f"{name} is on two pages")
    for item in items().values():
        if item.heading not in documented:
            faults.append(f"{item.heading} is on no page")
    for name in exported():
        if name not in documented:
            faults.append(f"{name} is exported and on no page")
    for page in pages:
        examples = page.examples()
        for function in page.functions:
            if function.name not in exported():
                faults.append(f"{function.name} is not exported")
            if function.name not in examples:
                faults.append(f"{function.name} has no example in {page.example_path}")
    return faults


def parts_of(program: str) -> list[str]:
    """The functions of a C program, but for `main`, each with the comment above it."""
    pattern = r"^(?:/\*(?:[^*]|\*(?!/))*\*/\n)?(?:static )[^\n;{}]*\([^;{}]*\)\n\{\n.*?^\}$"
    return re.findall(pattern, program, re.MULTILINE | re.DOTALL)


def calls(code: str, name: str) -> bool:
    """Whether C code calls a function, or hands it over."""
    return re.search(rf"\b{name}\b", re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)) is not None
