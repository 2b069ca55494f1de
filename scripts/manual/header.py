"""Reads the headers in include/: what each documented item is called, says and looks like."""

import dataclasses
import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HEADERS = ["mqtt_protocol.h", "mosquitto.h", "mqttrs.h"]

COMMENT = re.compile(r"^(?P<indent> *)/\*\*\n(?P<text>(?: *\*(?: .*)?\n)*?) *\*/\n", re.MULTILINE)


@dataclasses.dataclass
class Member:
    """A member of a structure, or a constant of an enum."""

    code: str
    doc: list[str]


@dataclasses.dataclass
class Item:
    """Something that a header declares. `doc` has the paragraphs of its comment."""

    kind: str  # function, struct, enum, callback, constant
    name: str
    header: str
    doc: list[str]
    code: str
    members: list[Member] = dataclasses.field(default_factory=list)

    @property
    def heading(self) -> str:
        word = self.kind + " " if self.kind in ("struct", "enum") else ""
        return word + self.name


def items() -> dict[str, Item]:
    """All items of the public headers, by their headings: `mqttrs_stats`, `struct mqttrs_stats`."""
    return {item.heading: item for name in HEADERS for item in read(name)}


def exported() -> list[str]:
    """The functions that the shared library exports."""
    text = (ROOT / "mqttrs.map").read_text()
    return re.findall(r"^\s+((?:mosquitto|mqttrs)_\w+);", text, re.MULTILINE)


def read(header: str) -> list[Item]:
    text = (ROOT / "include" / header).read_text()
    found = []
    for comment in COMMENT.finditer(text):
        if not comment["indent"]:
            item = declaration(header, paragraphs(comment["text"]), text[comment.end() :])
            if item:
                found.append(item)
    return found


def declaration(header: str, doc: list[str], code: str) -> Item | None:
    """The item whose comment stands before `code`."""
    if match := re.match(r"#define (\w+) (.*)\n", code):
        return Item("constant", match[1], header, doc, match[2].strip())
    if match := re.match(r"libmosq_EXPORT\s+([^;]*?\b(\w+)\((?:[^;]*)\));", code):
        return Item("function", match[2], header, doc, outdented(match[1]) + ";")
    if match := re.match(r"typedef [^;]*?\(\*(\w+)\)\([^;]*;", code):
        return Item("callback", match[1], header, doc, match[0])
    if match := re.match(r"(struct|enum) (\w+);", code):
        return Item(match[1], match[2], header, doc, match[0])
    if match := re.match(r"(struct|enum) (\w+) \{\n(.*?)^\};", code, re.MULTILINE | re.DOTALL):
        return Item(match[1], match[2], header, doc, match[0], members(match[3]))
    return None


def members(body: str) -> list[Member]:
    found = []
    doc: list[str] = []
    position = 0
    while position < len(body):
        if comment := COMMENT.match(body, position):
            doc, position = paragraphs(comment["text"]), comment.end()
            continue
        # A declaration ends with a semicolon or a comma outside parentheses.
        end = re.compile(r"(?:\([^()]*(?:\([^()]*\)[^()]*)*\)|[^;,()])*[;,]\n").match(body, position)
        if not end:
            raise ValueError(f"not a member: {body[position:]}")
        found.append(Member(" ".join(end[0].split())[:-1], doc))
        doc, position = [], end.end()
    return found


def paragraphs(comment: str) -> list[str]:
    """The paragraphs of a comment, each on one line but for tables, which keep theirs."""
    lines = [re.sub(r"^ *\* ?", "", line).rstrip() for line in comment.splitlines()]
    blocks = re.split(r"\n{2,}", "\n".join(lines).strip("\n"))
    return [block if block.startswith("|") else " ".join(block.split()) for block in blocks]


def outdented(prototype: str) -> str:
    """A prototype whose further lines are aligned with its opening parenthesis."""
    lines = prototype.splitlines()
    column = lines[0].index("(") + 1
    return "\n".join([lines[0], *(" " * column + line.strip() for line in lines[1:])])


def summary(item: Item) -> str:
    """The first sentence of what the comment says, without its full stop."""
    match = re.match(r"(.*?)(?:[.:;](?= [A-Z`]|$)|: )", item.doc[0])
    return (match[1] if match else item.doc[0]).rstrip(".:;")


def promises(doc: list[str]) -> tuple[list[str], str]:
    """The paragraphs without the last, when that is what the caller promises, and that."""
    intro = "The caller promises: "
    if doc and doc[-1].startswith(intro):
        return doc[:-1], doc[-1].removeprefix(intro)
    return doc, ""


def results(doc: list[str]) -> tuple[list[str], list[str], str]:
    """The paragraphs without what is returned, each thing returned, and what is said after these."""
    rest: list[str] = []
    returned: list[str] = []
    after = ""
    for paragraph in doc:
        before, _, text = (" " + paragraph).rpartition(" Returns ")
        if _ and not returned:
            if before.strip():
                rest.append(before.strip())
            sentences = re.split(r"(?<=[a-z0-9_`)])\.(?= [A-Z`])", text, maxsplit=1)
            after = sentences[1].strip() if len(sentences) > 1 else ""
            returned = [part.strip().rstrip(".") for part in sentences[0].split("; ")]
        else:
            rest.append(paragraph)
    return rest, returned, after
