"""The manual: a book of docs/, a reference and man pages made from the headers.

manual book FOLDER   puts the book's sources together there, for mdBook
manual html FOLDER   checks the links of the HTML that mdBook made
manual man           writes docs/man
manual check         whether the reference is complete, docs/man fresh, and all links lead somewhere
"""

import pathlib
import sys

import book
import groups
import links
import man


def main(arguments: list[str]) -> None:
    match arguments:
        case ["book", folder]:
            fail_with(groups.missing())
            book.assemble(groups.groups(), pathlib.Path(folder))
        case ["html", folder]:
            fail_with(links.broken_in_html(pathlib.Path(folder)))
        case ["man"]:
            man.write(groups.groups())
        case ["check"]:
            fail_with(groups.missing() + man.stale(groups.groups()) + links.broken_in_repository())
        case _:
            sys.exit(__doc__)


def fail_with(faults: list[str]) -> None:
    if faults:
        sys.exit("\n".join(faults))


try:
    main(sys.argv[1:])
except book.Broken as error:
    sys.exit(str(error))
