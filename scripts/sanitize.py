#!/usr/bin/env python3
"""sanitize.py CONTROL RUNS: the tables of scripts/sanitize.sh, for docs/reliability.md."""
import collections
import json
import re
import sys

NAMES = {"thread": "ThreadSanitizer", "address": "AddressSanitizer"}


def rows(path):
    with open(path, encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t") for line in file]


def first_comment(program):
    """What a program is for, as it says itself: the first sentence of its file."""
    with open(f"tests/c/{program}.c", encoding="utf-8") as file:
        text = file.read()
    comment = re.search(r"/\*(.*?)\*/", text, re.DOTALL).group(1)
    words = " ".join(line.strip().lstrip("*").strip() for line in comment.splitlines())
    words = words.strip().removeprefix(program + ":").strip()
    return re.split(r"(?<=[.:;]) ", words)[0].rstrip(".:;")


def main(control, runs):
    faults = [
        [NAMES[sanitizer], name, "found" if int(found) else "nothing reported"]
        for sanitizer, name, _, found in rows(control)
    ]
    programs = collections.OrderedDict()
    for sanitizer, program, how, reports in sorted(rows(runs)):
        entry = programs.setdefault((program, sanitizer), [set(), 0, 0])
        entry[0].add(how or "no arguments")
        entry[1] += 1
        entry[2] += int(reports)
    table = [
        [f"`{program}.c`", first_comment(program), NAMES[sanitizer], ", ".join(sorted(how)), str(count), str(reports)]
        for (program, sanitizer), (how, count, reports) in programs.items()
    ]
    print(json.dumps({
        "title": "Threads and memory under the sanitizers",
        "command": "make sanitize",
        "intro": "The library and Rust's standard library are built with ThreadSanitizer and with "
                 "AddressSanitizer (leaks included), and the C programs of `tests/c`, compiled with the "
                 "same sanitizer, run against it and their brokers. One kind of report is suppressed, and "
                 "`tests/sanitize/thread.supp` says why: a loop gives `epoll_ctl` the number of a descriptor that "
                 "another thread closes. First each sanitizer has to find faults made on purpose, in Rust code built in the same way.",
        "tables": [
            {"title": "Faults made on purpose",
             "columns": ["sanitizer", "Rust code", "result"], "rows": faults},
            {"title": "The C programs",
             "columns": ["program", "what it is for", "sanitizer", "arguments: rounds, ways of driving, seeds", "runs", "reports"],
             "rows": table},
        ],
        "notes": [
            "ring's cryptography is partly assembly, and libc is not built with the sanitizers: what "
            "happens inside is seen only where a sanitizer stands in for the function.",
        ],
    }, indent=1, ensure_ascii=False))


main(*sys.argv[1:])
