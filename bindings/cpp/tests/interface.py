#!/usr/bin/env python3
"""Compares the interface that two headers of libmosquittopp declare.

    interface.py compare THEIRS OURS    each declaration of THEIRS is in OURS, default arguments too
    interface.py program THEIRS         writes a program that uses each declaration of THEIRS:
                                        takes its address as exactly what it is, overrides it where
                                        it is virtual, and calls it with each number of arguments

THEIRS is the header that Debian has installed, so that what is compared is what programs include.
"""
from __future__ import annotations

import re
import sys
from dataclasses import dataclass


@dataclass(frozen=True)
class Parameter:
    type_and_name: str
    default: str | None


@dataclass(frozen=True)
class Function:
    scope: str  # "" for a function beside the class
    virtual: bool
    returns: str  # "" for constructors and the destructor
    name: str
    parameters: tuple[Parameter, ...]


def squeeze(text: str) -> str:
    """One way to write blanks: none that could be missing."""
    text = re.sub(r"\s+", " ", text).strip()
    return re.sub(r" ?([*&(),<>:=]) ?", r"\1", text)


def without_name(declaration: str) -> str:
    """A parameter's type: its name says nothing to the compiler."""
    pointer = re.match(r"(.*\(\*)\w*(\).*)", declaration, re.S)
    if pointer:
        inner = pointer.group(2)
        arguments = split(inner[inner.index("(") + 1 : inner.rindex(")")])
        types = ",".join(without_name(one) for one in arguments)
        return squeeze(pointer.group(1)) + ")(" + types + ")"
    words = squeeze(declaration)
    match = re.match(r"(.*[\s*&])(\w+)$", words)
    if match and match.group(1).strip() not in ("struct", "enum", "const", "unsigned"):
        words = match.group(1).strip()
    return words


def split(text: str) -> list[str]:
    """At the commas that are in no parentheses."""
    parts, depth, last = [], 0, ""
    for char in text:
        depth += char in "(<"
        depth -= char in ")>"
        if char == "," and depth == 0:
            parts.append(last)
            last = ""
        else:
            last += char
    if last.strip():
        parts.append(last)
    return [part.strip() for part in parts]


def parameters_of(text: str) -> tuple[Parameter, ...]:
    found = []
    for part in split(text):
        if part == "void":
            continue
        declaration, equals, default = part.partition("=")
        found.append(Parameter(declaration.strip(), default.strip() if equals else None))
    return tuple(found)


def without_bodies(text: str) -> str:
    """Declarations for definitions: what is in the braces of a function goes, initialisers too."""
    out, depth, keep = "", 0, {0}
    i = 0
    while i < len(text):
        char = text[i]
        if char == "{":
            head = out[max(out.rfind(c) for c in ";{}") + 1 :]
            depth += 1
            if re.search(r"\b(namespace|class|struct|extern)\b[^()]*$", head):
                keep.add(depth)
                out += char
            else:
                out += ";"
        elif char == "}":
            if depth in keep:
                out += char
                keep.discard(depth)
            depth -= 1
        elif all(level in keep for level in range(depth + 1)):
            out += char
        i += 1
    return out


def functions(path: str) -> list[Function]:
    with open(path, encoding="utf-8") as file:
        text = file.read()
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"//[^\n]*", " ", text)
    text = re.sub(r"\\\n", " ", text)
    text = re.sub(r"^\s*#[^\n]*", " ", text, flags=re.M)
    text = re.sub(r"\bmosqpp_EXPORT\b", " ", text)
    text = without_bodies(text)
    found, scope, access = [], "", "public"
    for piece in re.findall(r"[^;{}]*[;{}]", text):
        piece, end = piece[:-1], piece[-1]
        while match := re.match(r"\s*(public|private|protected)\s*:(?!:)", piece):
            access, piece = match.group(1), piece[match.end() :]
        if end == "{" and re.search(r"\bclass\b", piece):
            scope, access = "mosquittopp", "private"
            continue
        if end == "}" and scope:
            scope, access = "", "public"
            continue
        if access != "public" or "(" not in piece or end == "{":
            continue
        # An initialiser list follows the last parenthesis of the parameters.
        start = piece.index("(")
        depth = 0
        for stop in range(start, len(piece)):
            depth += piece[stop] == "("
            depth -= piece[stop] == ")"
            if depth == 0:
                break
        head = piece[:start].strip()
        match = re.match(r"((?:virtual|inline|static)\s+)*(.*?)([~\w]+)$", head, re.S)
        if not match:
            continue
        virtual = "virtual" in head.split()
        name, returns = match.group(3), squeeze(match.group(2))
        found.append(
            Function(scope, virtual, returns, name, parameters_of(piece[start + 1 : stop]))
        )
    return found


def signature(one: Function) -> tuple:
    parameters = tuple((without_name(p.type_and_name), p.default) for p in one.parameters)
    return (one.scope, one.virtual, one.returns, one.name, parameters)


def shown(one: Function) -> str:
    parameters = ", ".join(
        without_name(p.type_and_name) + (f"={p.default}" if p.default else "")
        for p in one.parameters
    )
    words = "virtual " if one.virtual else ""
    return f"{words}{one.returns} {one.scope}::{one.name}({parameters})".strip()


def compare(theirs: str, ours: str) -> int:
    have = {signature(one) for one in functions(ours)}
    wanted = functions(theirs)
    if len(wanted) < 56:  # those of 2.0.11
        print(f"only {len(wanted)} declarations were found in {theirs}")
        return 1
    missing = [one for one in wanted if signature(one) not in have]
    for one in missing:
        print(f"missing: {shown(one)}")
    names = {one.name for one in wanted}
    more = sorted({one.name for one in functions(ours)} - names)
    print(f"{len(wanted)} declarations, {len(missing)} missing; ours besides: {', '.join(more)}")
    return 1 if missing else 0


def parameter_list(parameters: tuple[Parameter, ...], count: int) -> tuple[str, str]:
    """Parameters p0, p1, ... of these types, and these as arguments."""
    declared = []
    for index, parameter in enumerate(parameters[:count]):
        words = parameter.type_and_name
        kind = without_name(words)
        if "(*)" in kind:
            declared.append(kind.replace("(*)", f"(*p{index})", 1))
        else:
            declared.append(f"{kind} p{index}")
    return ", ".join(declared), ", ".join(f"p{i}" for i in range(count))


def program(theirs: str) -> int:
    lines = ["#include <mosquittopp.h>", ""]
    overrides, uses = [], []
    for number, one in enumerate(functions(theirs)):
        total = len(one.parameters)
        required = sum(p.default is None for p in one.parameters)
        if not one.returns:
            if not one.name.startswith("~"):
                for count in range(required, total + 1):
                    declared, arguments = parameter_list(one.parameters, count)
                    call = f"mosqpp::mosquittopp made({arguments})" if arguments else "mosqpp::mosquittopp made"
                    lines.append(f"void make{number}_{count}({declared}) {{ {call}; (void)made; }}")
            continue
        types = ", ".join(without_name(p.type_and_name) for p in one.parameters)
        where = "mosqpp::mosquittopp::" if one.scope else ""
        owner = "mosqpp::mosquittopp::" if one.scope else "mosqpp::"
        lines.append(f"{one.returns} ({where}*address{number})({types}) = &{owner}{one.name};")
        uses.append(f"address{number}")
        if one.virtual:
            declared, arguments = parameter_list(one.parameters, total)
            overrides.append(f"    {one.returns} {one.name}({declared}) override")
            overrides.append(f"    {{ mosqpp::mosquittopp::{one.name}({arguments}); }}")
        for count in range(required, total + 1):
            declared, arguments = parameter_list(one.parameters, count)
            first = "mosqpp::mosquittopp &client" + (", " if declared else "") if one.scope else ""
            target = "client." if one.scope else "mosqpp::"
            lines.append(
                f"{one.returns} call{number}_{count}({first}{declared}) "
                f"{{ return {target}{one.name}({arguments}); }}"
            )
    lines += ["", "class derived : public mosqpp::mosquittopp", "{", "public:", *overrides, "};", ""]
    lines += ["int main()", "{", "    mosqpp::lib_init();", "    derived client;"]
    lines.append(f"    const bool all = {' && '.join(use + ' != NULL' for use in uses)};")
    lines += ["    mosqpp::lib_cleanup();", "    return all ? 0 : 1;", "}"]
    print("\n".join(lines))
    return 0


def main(arguments: list[str]) -> int:
    if len(arguments) == 3 and arguments[0] == "compare":
        return compare(arguments[1], arguments[2])
    if len(arguments) == 2 and arguments[0] == "program":
        return program(arguments[1])
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
