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
        """For each function what shows it: a function of the program, and the callbacks it names."""
        parts = {name_of(part): part for part in parts_of(self.program())}
        found = {}
        for function in self.functions:
            part = next((part for part in parts.values() if calls(part, function.name)), None)
            if part:
                found[function.name] = with_callbacks(part, parts, function.name)
        return found


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


def name_of(part: str) -> str:
    """The name of the function that a part of a program defines."""
    code = re.sub(r"/\*.*?\*/", "", part, flags=re.DOTALL)
    return re.search(r"(\w+)\(", code)[1]


def with_callbacks(part: str, parts: dict[str, str], function: str) -> str:
    """An example with the callbacks that it hands over; of one that hands over many, the line in
    question alone."""
    own = name_of(part)
    callbacks = [name for name in parts if name != own and is_handed_over(name, part)]
    if len(callbacks) > 3:
        lines = [line.strip() for line in part.splitlines() if calls(line, function)]
        callbacks = [name for name in callbacks if any(is_handed_over(name, line) for line in lines)]
        part = "\n".join(lines)
    return "\n\n".join([*(parts[name] for name in callbacks), part])


def is_handed_over(name: str, code: str) -> bool:
    return re.search(rf"\b{name}\b(?!\()", re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)) is not None


def calls(code: str, name: str) -> bool:
    """Whether C code calls a function, or hands it over."""
    return re.search(rf"\b{name}\b", re.sub(r"/\*.*?\*/", "", code, flags=re.DOTALL)) is not None
