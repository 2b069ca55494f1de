"""Finds links that lead nowhere, in the repository's Markdown and in the book's HTML."""

import html.parser
import os
import pathlib
import re
import subprocess
import urllib.parse

from header import ROOT

LINK = re.compile(r"\]\(([^()\s]+)\)")


def broken_in_repository() -> list[str]:
    """Links between the Markdown files that lead to no file, or to no heading of it."""
    faults = []
    anchors: dict[str, set[str]] = {}
    for document in documents():
        folder = os.path.dirname(document)
        for target in LINK.findall(without_code((ROOT / document).read_text())):
            if "://" in target or target.startswith("mailto:"):
                continue
            file, _, anchor = target.partition("#")
            found = os.path.normpath(os.path.join(folder, file)) if file else document
            if not (ROOT / found).exists():
                faults.append(f"{document}: {target} does not exist")
            elif anchor and found.endswith(".md"):
                known = anchors.setdefault(found, headings((ROOT / found).read_text()))
                if anchor not in known:
                    faults.append(f"{document}: {target} names no heading")
    return faults


def documents() -> list[str]:
    """All Markdown files that are part of the project."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if listed.returncode == 0:
        found = listed.stdout.split()
    else:
        found = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*.md")]
    built = ("build/", "target/", "docs/reference/")
    # The summary of the book names the reference, which is not there yet.
    return sorted(
        name for name in found
        if not name.startswith(built) and "/node_modules/" not in name and (ROOT / name).exists()
        and name != "docs/book/SUMMARY.md"
        # A part of a page, whose links are those of the page.
        and not re.fullmatch(r"docs/\w+/intro\.md", name)
    )


def without_code(text: str) -> str:
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`(?!\])", "", text)


def headings(text: str) -> set[str]:
    """The anchors that a Markdown file's headings get."""
    text = re.sub(r"^ *```.*?^ *```$", "", text, flags=re.MULTILINE | re.DOTALL)
    found: list[str] = []
    for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").lower()
        name = re.sub(r"[^\w\- ]", "", words).strip().replace(" ", "-")
        count = sum(other == name or re.fullmatch(re.escape(name) + r"-\d+", other) is not None for other in found)
        found.append(f"{name}-{count}" if count else name)
    return set(found)


class Page(html.parser.HTMLParser):
    """The links and the anchors of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name == "id" and value:
                self.anchors.add(value)
            if name in ("href", "src") and value:
                self.links.append(value)


def broken_in_html(folder: pathlib.Path) -> list[str]:
    # 404.html is for servers, and its links are those of the root.
    paths = [path for path in folder.rglob("*.html") if path.name not in ("404.html", "toc.html")]
    pages = {path.resolve(): Page(path.read_text()) for path in paths}
    faults = []
    for path, page in pages.items():
        for link in page.links:
            if re.match(r"[a-z]+:", link):
                continue
            file, _, anchor = urllib.parse.unquote(link).partition("#")
            found = (path.parent / file.partition("?")[0]).resolve() if file else path
            if not found.exists():
                faults.append(f"{path.relative_to(folder.resolve())}: {link} does not exist")
            elif anchor and found in pages and anchor not in pages[found].anchors:
                faults.append(f"{path.relative_to(folder.resolve())}: {link} names no heading")
    if len(pages) < 2:
        faults.append(f"{folder} has no pages")
    return faults
