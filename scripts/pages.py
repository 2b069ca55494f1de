#!/usr/bin/env python3
"""Puts the pages together whose parts commands have measured.

pages.py          writes these pages, the comparison in README.md and its picture
pages.py check    ends with 1 when one would change

A page is docs/PAGE/intro.md, and then a section for each docs/PAGE/PART.json, as the command
that measured it has left it: title, command, intro, tables (title, columns, rows), notes.
"""

import json
import pathlib
import sys

import front_page

DOCS = pathlib.Path(__file__).resolve().parent.parent / "docs"
PAGES = {
    "reliability": ["chaos", "store", "outage", "stop", "oom", "sanitize", "fuzz"],
    "features": ["filters", "wait", "throttle"],
    "consumers": ["programs"],
}


def page(name):
    text = [(DOCS / name / "intro.md").read_text().rstrip()]
    for part in PAGES[name]:
        path = DOCS / name / f"{part}.json"
        if path.exists():
            text.append(section(json.loads(path.read_text())))
    return "\n\n".join(text) + "\n"


def section(part):
    blocks = [f"## {part['title']}", f"`{part['command']}`", part["intro"]]
    for table in part.get("tables", []):
        if table.get("title"):
            blocks.append(f"### {table['title']}")
        lines = [table["columns"], ["---"] * len(table["columns"]), *table["rows"]]
        blocks.append("\n".join("| " + " | ".join(cell(c) for c in line) + " |" for line in lines))
    if part.get("notes"):
        blocks.append("\n".join(f"- {note}" for note in part["notes"]))
    return "\n\n".join(blocks)


def cell(value):
    text = f"{value:,}" if isinstance(value, int) else str(value)
    return text.replace("|", "\\|").replace("\n", " ")


def main(arguments):
    if arguments not in ([], ["check"]):
        sys.exit(__doc__)
    texts = {DOCS / f"{name}.md": page(name) for name in PAGES}
    texts[DOCS / "performance" / "front.svg"] = front_page.drawing()
    texts[DOCS.parent / "README.md"] = front_page.readme()
    for path, text in texts.items():
        if not arguments:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            sys.exit(f"{path.relative_to(DOCS.parent)} is not what scripts/pages.py makes of the results in docs/")


main(sys.argv[1:])
