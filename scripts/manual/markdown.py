"""The reference as Markdown: a page for each group of functions."""

import re

from groups import Group
from header import Item, promises, results, summary

# Constants that stand in the comments without backquotes.
CONSTANT = re.compile(r"(?<![`\w])((?:MOSQ|MQTT|MQTTRS|CMD)_[A-Z0-9_]*[A-Z0-9*]|_[A-Z][A-Z0-9_]+)(?![`\w(])")


def pages(groups: list[Group]) -> dict[str, str]:
    """The text of each page by its file's name, and that of the index."""
    texts = {f"{group.name}.md": page(group) for group in groups}
    texts["index.md"] = index(groups)
    return texts


def index(groups: list[Group]) -> str:
    lines = [
        "# C API",
        "",
        "Programs include `<mosquitto.h>` for the functions that libmosquitto has too, or "
        "`<mqttrs.h>` for these and our own. The names say which is which: `mosquitto_*` are "
        "libmosquitto's, `mqttrs_*` what is added here, for the same clients.",
        "",
        "[Conventions](../conventions.md) has what holds for all of them. In the examples, `must` ends the "
        "program unless a call returns `MOSQ_ERR_SUCCESS`, and `expect` unless something holds; each page has "
        "its examples as a whole program at its end.",
        "",
        "| page | functions |",
        "|---|---|",
    ]
    for group in groups:
        names = " ".join(f"`{function.name}`" for function in group.functions)
        lines.append(f"| [{group.title}]({group.name}.md) | {names} |")
    return "\n".join(lines) + "\n"


def page(group: Group) -> str:
    examples = group.examples()
    blocks = [f"# {group.title}", text(group.about), contents(group)]
    shown: dict[str, str] = {}
    for function in group.functions:
        blocks += entry(function, examples.get(function.name, ""), shown)
    for item in structured(group.types):
        blocks += type_entry(item)
    blocks.append(
        "## The examples as one program\n\n<details><summary>"
        f"{group.example_path}</summary>\n\n```c\n{group.program().rstrip()}\n```\n\n</details>"
    )
    return "\n\n".join(blocks) + "\n"


def contents(group: Group) -> str:
    rows = [f"| `{function.name}` | {text(summary(function))} |" for function in group.functions]
    table = "\n".join(["| function | what it does |", "|---|---|", *rows])
    return f'<div class="functions">\n\n{table}\n\n</div>'


def entry(function: Item, example: str, shown: dict[str, str]) -> list[str]:
    doc, promise = promises(function.doc)
    doc, returned, after = results(doc)
    blocks = [f"## {function.name}", words(function.name), f"```c\n{function.code}\n```"]
    blocks += [text(paragraph) for paragraph in doc]
    if len(returned) > 1:
        blocks.append("**Returns**\n\n" + "\n".join(f"- {text(part)}" for part in returned))
    elif returned:
        blocks.append(f"**Returns** {text(returned[0])}.")
    if after:
        blocks.append(text(after))
    if promise and promise != "None of its own.":
        blocks.append(f'<p class="promise">The caller promises: {html(promise)}</p>')
    if example in shown:
        blocks.append(f"Example: at `{shown[example]}`.")
    elif example:
        shown[example] = function.name
        blocks.append(f"Example:\n\n```c\n{example}\n```")
    return blocks


def words(name: str) -> str:
    """The parts of a name, for the search, which takes a name as one word."""
    return f"<p hidden>{' '.join(name.split('_')[1:])}</p>"


def structured(types: list[Item]) -> list[Item]:
    """The types, with constants that stand together behind the last of them."""
    return [item for item in types if item.kind != "constant"] + constants(types)


def constants(types: list[Item]) -> list[Item]:
    found = [item for item in types if item.kind == "constant"]
    if not found:
        return []
    table = "\n".join(
        ["| constant | value | meaning |", "|---|---|---|"]
        + [f"| `{item.name}` | {value(item.code)} | {text(' '.join(item.doc))} |" for item in found]
    )
    return [Item("constants", "Constants", found[0].header, [table], "")]


def value(code: str) -> str:
    return code.removesuffix("u") if re.fullmatch(r"\d+u?", code) else f"`{code}`"


def type_entry(item: Item) -> list[str]:
    blocks = [f"## {item.heading}"]
    if item.kind == "callback" or (item.kind == "struct" and not item.members):
        blocks.append(f"```c\n{item.code}\n```")
    blocks += [text(paragraph) for paragraph in item.doc]
    if item.kind == "struct" and item.members:
        rows = [f"| `{member.code}` | {text(' '.join(member.doc))} |" for member in item.members]
        blocks.append("\n".join(["| member | meaning |", "|---|---|", *rows]))
    if item.kind == "enum":
        rows = []
        for member in item.members:
            name, _, number = member.code.partition(" = ")
            rows.append(f"| `{name}` | {number} | {text(' '.join(member.doc))} |")
        blocks.append("\n".join(["| constant | value | meaning |", "|---|---|---|", *rows]))
    return blocks


def text(paragraph: str) -> str:
    """A paragraph of a comment, with constants in backquotes."""
    parts = paragraph.split("`")
    parts[::2] = [CONSTANT.sub(r"`\1`", part) for part in parts[::2]]
    return "`".join(parts)


def html(paragraph: str) -> str:
    escaped = paragraph.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", text(escaped))
