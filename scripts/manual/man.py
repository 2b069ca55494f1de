"""The reference as man pages: libmqttrs(3), and one for each group of functions."""

import re
import textwrap

import markdown
from groups import Group
from header import ROOT, Item, promises, results, summary

FOLDER = ROOT / "docs" / "man"
# The pages carry a date, as man pages do: that of the last change of their form.
DATE = "2026-11-23"
MADE = '.\\" Made from the headers in include/ by `make man`: not to be edited.'


def write(groups: list[Group]) -> None:
    wanted = pages(groups)
    FOLDER.mkdir(exist_ok=True)
    for path in FOLDER.glob("*.3"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text)


def stale(groups: list[Group]) -> list[str]:
    """The pages that are not what the headers say."""
    wanted = pages(groups)
    present = {path.name: path.read_text() for path in FOLDER.glob("*.3")}
    differ = sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))
    return [f"docs/man/{name} is not what the headers say: run `make man`" for name in differ]


def pages(groups: list[Group]) -> dict[str, str]:
    texts = {f"libmqttrs_{group.name}.3": page(group) for group in groups}
    texts["libmqttrs.3"] = overview(groups)
    return {name: without_empty_paragraphs(text) for name, text in texts.items()}


def without_empty_paragraphs(text: str) -> str:
    """A heading and an item of a list are paragraphs of their own."""
    text = re.sub(r"^(\.S[HS] .*)\n\.PP$", r"\1", text, flags=re.MULTILINE)
    return re.sub(r"^\.PP\n(?=\.TP$)", "", text, flags=re.MULTILINE)


def overview(groups: list[Group]) -> str:
    lines = [
        *start("libmqttrs", ["libmqttrs"], "an MQTT client library with the C API of libmosquitto"),
        ".SH SYNOPSIS", ".nf", ".B #include <mqttrs.h>", ".sp",
        "cc program.c $(pkg\\-config \\-\\-cflags \\-\\-libs mqttrs)", ".fi",
        ".SH DESCRIPTION",
        *prose(
            "libmqttrs speaks MQTT 3.1, 3.1.1 and 5.0 as a client. `<mosquitto.h>` declares the functions "
            "that libmosquitto has too, `<mqttrs.h>` these and our own, whose names begin with `mqttrs_`. "
            "Both work on the same clients, `struct mosquitto`."
        ),
        ".PP",
        *prose(
            "Unless a function says otherwise, it may be called from any thread and in any callback; what it "
            "is given it copies; what a callback is given lives until that returns. Functions return "
            "MOSQ_ERR_SUCCESS, which is 0, or another MOSQ_ERR_* value; `mosquitto_strerror` has the words "
            "for it, and `mqttrs_last_error` says what was to blame."
        ),
        ".PP",
        "Each of these pages describes a group of functions. Each function is also the name of a page.",
    ]
    for group in groups:
        lines += [".TP", f".BR libmqttrs_{group.name} (3)", escaped(group.title)]
    lines += [".SH EXAMPLE", "Publishes a message and waits until the server has it:", *code(
        "#include <mqttrs.h>\n\n"
        "int main(void)\n{\n"
        "    struct mqttrs_connection connection = { .size = sizeof connection, .host = \"localhost\" };\n"
        "    struct mqttrs_message message = { .size = sizeof message, .topic = \"greetings\",\n"
        "                                      .payload = \"hello\", .payloadlen = 5, .qos = 1 };\n"
        "    return mqttrs_publish_once(&connection, &message, 1, NULL);\n}"
    )]
    lines += [".SH SEE ALSO", *see_also([f"libmqttrs_{group.name}" for group in groups])]
    return "\n".join(lines) + "\n"


def page(group: Group) -> str:
    names = [function.name for function in group.functions]
    title = group.title if group.title[1].isupper() else group.title[0].lower() + group.title[1:]
    lines = start(f"libmqttrs_{group.name}", names, title)
    lines += [".SH SYNOPSIS", ".nf", f".B #include <{group_header(group)}>"]
    for function in group.functions:
        lines.append(".sp")
        lines += [f".B \"{escaped(line)}\"" for line in function.code.replace('"', '""').splitlines()]
    lines += [".fi", ".SH DESCRIPTION", *prose(group.about)]
    for function in group.functions:
        lines += [f".SS {function.name}()", *entry(function)]
    types = markdown.structured(group.types)
    if types:
        lines.append(".SH TYPES")
        for item in types:
            lines += [f".SS {escaped(item.heading)}", *type_entry(group, item)]
    parts = list(dict.fromkeys(group.examples().values()))
    if parts:
        lines += [".SH EXAMPLES"]
        for part in parts:
            lines += [".PP", *code(part)]
    lines += [".SH SEE ALSO", *see_also(["libmqttrs"])]
    return "\n".join(lines) + "\n"


def start(name: str, described: list[str], what: str) -> list[str]:
    return [
        MADE,
        f'.TH {name} 3 "{DATE}" "libmqttrs" "Library Functions"',
        # Names of functions and constants are not to be cut in two.
        ".nh",
        ".ad l",
        ".SH NAME",
        f"{', '.join(described)} \\- {escaped(what)}",
    ]


def group_header(group: Group) -> str:
    ours = any(item.header == "mqttrs.h" for item in group.functions)
    return "mqttrs.h" if ours else "mosquitto.h"


def entry(function: Item) -> list[str]:
    doc, promise = promises(function.doc)
    doc, returned, after = results(doc)
    lines: list[str] = []
    for paragraph in doc:
        lines += [".PP", *block(paragraph)]
    if returned:
        lines += [".PP", *prose("Returns " + "; ".join(returned) + ".")]
    if after:
        lines += [".PP", *prose(after)]
    if promise and promise != "None of its own.":
        lines += [".PP", *prose("The caller promises: " + promise)]
    return lines[1:]


def type_entry(group: Group, item: Item) -> list[str]:
    lines: list[str] = []
    if item.kind == "constant" and item.name == "constants":
        for constant in markdown_constants(group):
            lines += [".TP", f".B {constant.name}", *prose(" ".join(constant.doc))]
        return lines
    for paragraph in item.doc:
        lines += [".PP", *prose(paragraph)]
    if item.kind == "callback":
        lines += [".PP", *code(item.code)]
    for member in item.members:
        name = f'.B "{escaped(member.code)}"'
        lines += [".TP", name, *prose(" ".join(member.doc))] if member.doc else [".TP", name, ".br"]
    return lines[1:] if lines and lines[0] == ".PP" else lines


def markdown_constants(group: Group) -> list[Item]:
    return [item for item in group.types if item.kind == "constant"]


def block(paragraph: str) -> list[str]:
    """A paragraph, or a table, whose rows become items of a list."""
    if not paragraph.startswith("|"):
        return prose(paragraph)
    lines: list[str] = []
    for row in paragraph.splitlines()[2:]:
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        lines += [".TP", f".B {escaped(cells[0])}", *prose(": ".join(cell for cell in cells[1:] if cell))]
    return lines


def prose(text: str) -> list[str]:
    """Text with code in bold, in lines of a bearable length."""
    parts = text.split("`")
    parts = [f"\\fB{escaped(part)}\\fR" if index % 2 else escaped(part) for index, part in enumerate(parts)]
    lines = textwrap.wrap("".join(parts), 95, break_long_words=False, break_on_hyphens=False)
    # A line that begins with one of these would be a request.
    return [re.sub(r"^(?=[.'])", r"\\&", line) for line in lines]


def code(text: str) -> list[str]:
    return [".nf", ".RS 4", *(re.sub(r"^(?=[.'])", r"\\&", escaped(line)) for line in text.splitlines()), ".RE", ".fi"]


def escaped(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


def see_also(names: list[str]) -> list[str]:
    return [f".BR {name} (3)" + ("," if name != names[-1] else "") for name in names]
