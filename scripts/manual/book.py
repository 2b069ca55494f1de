"""Puts the book's sources together, the way mdBook wants them.

The pages are those that docs/book/SUMMARY.md lists, and the generated reference. Their links are
the repository's; here they become those of the book.
"""

import os
import pathlib
import re
import shutil

import markdown
from groups import Group
from header import ROOT

BOOK = ROOT / "docs" / "book"
REFERENCE_LINE = "<!-- the reference -->"
EXAMPLES = "examples-c/README.md"

# A link or an image: its text and where it leads to. Code is matched first, to be passed over.
LINK = re.compile(r"(?P<code>`[^`\n]+`(?!\]))|(?P<image>!?)\[(?P<text>(?:`[^`]*`|[^\[\]`])*)\]\((?P<target>[^()\s]+)\)")
# Shown as they are, beside the pages.
DATA = {".json", ".svg", ".png", ".txt"}


class Broken(Exception):
    """Something in the sources that cannot become a book."""


def assemble(groups: list[Group], target: pathlib.Path) -> None:
    """Writes book.toml and src/ into `target`."""
    shutil.rmtree(target / "src", ignore_errors=True)
    generated = {f"docs/reference/{name}": text for name, text in markdown.pages(groups).items()}
    summary, pages = read_summary(groups)
    linker = Linker(groups, pages)
    for page in pages:
        text = generated[page] if page in generated else (ROOT / page).read_text()
        if page == EXAMPLES:
            text = programs(text)
        write(target / "src" / placed(page), linker.page(page, text))
    for data in linker.data:
        write(target / "src" / placed(data), (ROOT / data).read_bytes())
    write(target / "src" / "SUMMARY.md", summary)
    for file in ["book.toml", "theme/manual.css"]:
        write(target / file, (BOOK / file).read_bytes())


def read_summary(groups: list[Group]) -> tuple[str, list[str]]:
    """The summary for mdBook, and the pages that it lists, as paths in the repository."""
    lines: list[str] = []
    pages: list[str] = []
    for line in (BOOK / "SUMMARY.md").read_text().splitlines():
        if line.strip() == REFERENCE_LINE:
            indent = line[: line.index("<")]
            lines += [f"{indent}- [{group.title}](reference/{group.name}.md)" for group in groups]
            pages += [f"docs/reference/{group.name}.md" for group in groups]
            continue
        match = re.search(r"\]\(([^)]+)\)", line)
        if not match:
            lines.append(line)
            continue
        page = os.path.normpath(f"docs/book/{match[1]}")
        if not (ROOT / page).exists() and page != "docs/reference/index.md":
            raise Broken(f"docs/book/SUMMARY.md: {match[1]} does not exist")
        lines.append(line.replace(match[1], placed(page)))
        pages.append(page)
    return "\n".join(lines) + "\n", pages


def programs(readme: str) -> str:
    """The README of the examples, with their sources below its table, to which its names lead."""
    names = re.findall(r"^\| `(\w+)` \|", readme, re.MULTILINE)
    folder = (ROOT / EXAMPLES).parent
    sources = [f"## {name}\n\n```c\n{(folder / f'{name}.c').read_text().rstrip()}\n```\n" for name in names]
    linked = re.sub(r"^\| `(\w+)` \|", r"| [`\1`](#\1) |", readme, flags=re.MULTILINE)
    return "\n".join([linked, *sources])


def placed(path: str) -> str:
    """Where a file of the repository is in the book."""
    path = re.sub(r"^docs/(book/)?", "", path)
    # mdBook gives a README.md another name, and the links to it are lost.
    return re.sub(r"(^|/)(README|introduction)\.md$", r"\1index.md", path)


class Linker:
    """Makes links out of the names of functions, and sees to it that every link leads somewhere."""

    def __init__(self, groups: list[Group], pages: list[str]):
        self.pages = set(pages)
        # A link whose text is a file's name gets the title of the page.
        self.titles = {
            page: (ROOT / page).read_text().split("\n", 1)[0].lstrip("# ") for page in pages if (ROOT / page).exists()
        }
        self.data: set[str] = set()
        self.places = {
            item.heading: f"docs/reference/{group.name}.md#{item.heading.lower().replace(' ', '-')}"
            for group in groups
            for item in [*group.functions, *group.types]
            if item.kind != "constant"
        }
        for example in (ROOT / EXAMPLES).parent.glob("*.c"):
            self.places[f"examples-c/{example.name}"] = f"{EXAMPLES}#{example.stem}"
        # An enum is named without that word too; structures are not, as functions have their names.
        for heading, place in list(self.places.items()):
            self.places.setdefault(heading.removeprefix("enum "), place)

    def page(self, path: str, text: str) -> str:
        blocks = re.split(r"(^ *```.*?^ *```$)", text, flags=re.MULTILINE | re.DOTALL)
        blocks[::2] = [self.prose(path, block) for block in blocks[::2]]
        return "".join(blocks)

    def prose(self, path: str, text: str) -> str:
        lines = text.split("\n")
        for number, line in enumerate(lines):
            if line.startswith("    ") and not re.match(r" +([-*]|\d+\.) ", line):
                continue  # code
            heading = line.startswith("#")
            lines[number] = LINK.sub(lambda match: self.replaced(path, match, heading), line)
            if not heading:
                lines[number] = re.sub(
                    r"<code>([^<]+)</code>", lambda match: self.in_html(path, match[1]), lines[number]
                )
        return "\n".join(lines)

    def replaced(self, path: str, match: re.Match[str], heading: bool) -> str:
        if match["code"]:
            place = None if heading else self.place(match["code"][1:-1])
            return f"[{match[0]}]({relative(place, path)})" if place else match[0]
        target = match["target"]
        if "://" in target or target.startswith(("#", "mailto:")):
            return match[0]
        file, _, anchor = target.partition("#")
        found = os.path.normpath(os.path.join(os.path.dirname(path), file))
        if found in self.pages:
            link = relative(found, path) + (f"#{anchor}" if anchor else "")
            text = self.titles[found] if match["text"].strip("`").endswith(".md") else match["text"]
            return f"[{text}]({link})"
        if not (ROOT / found).exists():
            raise Broken(f"{path}: {target} does not exist")
        if pathlib.Path(found).suffix in DATA:
            self.data.add(found)
            return f"{match['image']}[{match['text']}]({relative(found, path)})"
        if found.startswith("include/"):
            return f"[{match['text']}]({relative('docs/reference/index.md', path)})"
        # A file of the sources: named, since the book has no copy of it.
        if pathlib.Path(found).name in match["text"] or found in match["text"]:
            return f"`{found}`"
        return f"{match['text']} (`{found}`)"

    def place(self, code: str) -> str | None:
        """Where the reference describes what this code names."""
        if code in self.places:
            return self.places[code]
        call = re.match(r"(?:[\w ]+ = )?(\w+)\(", code)
        return self.places.get(call[1]) if call else None

    def in_html(self, path: str, code: str) -> str:
        place = self.place(code)
        tag = f"<code>{code}</code>"
        link = relative(place, path).replace(".md#", ".html#") if place else ""
        return f'<a href="{link}">{tag}</a>' if place else tag


def relative(target: str, path: str) -> str:
    """The link from one file's place in the book to another's."""
    file, hash, anchor = target.partition("#")
    return os.path.relpath(placed(file), os.path.dirname(placed(path)) or ".") + hash + anchor


def write(path: pathlib.Path, content: str | bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        content = content.encode()
    path.write_bytes(content)
