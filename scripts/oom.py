#!/usr/bin/env python3
"""oom.py FOLDER: the tables that tests/oom.rs left there, for docs/reliability.md."""
import json
import os
import sys

folder = sys.argv[1]
tables = []
for name in sorted(os.listdir(folder)):
    with open(os.path.join(folder, name), encoding="utf-8") as file:
        tables.append(json.load(file))
print(json.dumps({
    "title": "Without memory, descriptors or threads",
    "command": "make oom",
    "intro": "The n-th allocation of memory that C is to own fails, for every n: the function says "
             "MOSQ_ERR_NOMEM or NULL, as its documentation has it, leaves nothing behind and works the "
             "next time. The same with so many descriptors and threads to be had as are counted here, up "
             "to where the call succeeds; descriptors and threads of the process are counted before and after.",
    "tables": tables,
    "notes": [
        "A message callback that there is no memory for a property list for gets the message without "
        "properties.",
        "A received message for which there is no memory ends the connection with an error, however large "
        "its sender makes it. What Rust asks for elsewhere ends the process when there is none, as it is "
        "with Rust's standard library. Two of these are as large as the server likes, up to the client's largest packet: "
        "a message over WebSocket, and the copy of the properties of a packet other than PUBLISH.",
    ],
}, indent=1, ensure_ascii=False))
