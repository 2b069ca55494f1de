"""docs/consumers/programs.json: a row for each program, replaced by its newest result."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULT = ROOT / "docs/consumers/programs.json"
COLUMNS = [
    "program",
    "version",
    "language",
    "libmosquitto by",
    "what was run",
    "on libmqttrs",
    "on libmosquitto",
    "command",
]


def record(name, program, ours, debians):
    """Puts the row of a program in place, and the page together again."""
    part = json.loads(RESULT.read_text())
    rows = part["tables"][0]["rows"]
    command = f"`make consumers ONLY={name}`"
    row = [program.title, program.version(), program.language, program.through, program.task, ours, debians, command]
    rows[:] = sorted([*(old for old in rows if old[-1] != command), row], key=lambda row: (row[2], row[-1]))
    part["tables"][0]["columns"] = COLUMNS
    if program.explanations:
        title = f"What ends otherwise: {program.title}"
        table = {"title": title, "columns": ["test", "why"], "rows": [list(row) for row in program.explanations().items()]}
        part["tables"][1:] = [*(old for old in part["tables"][1:] if old["title"] != title), table]
    RESULT.write_text(json.dumps(part, indent=1, ensure_ascii=False) + "\n")
    subprocess.run([sys.executable, "-B", ROOT / "scripts/pages.py"], check=True)
