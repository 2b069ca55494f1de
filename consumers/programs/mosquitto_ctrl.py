"""mosquitto_ctrl, which administers a broker by requests and responses of MQTT 5."""

import glob

from world import Program, debian_version, free_port

CTRL = "/usr/bin/mosquitto_ctrl"
TASKS = [
    ["createClient", "sensor", "-p", "secret", "-i", "sensor-1"],
    ["createRole", "measuring"],
    ["addRoleACL", "measuring", "publishClientSend", "measured/#", "allow", "5"],
    ["addClientRole", "sensor", "measuring", "3"],
    ["createGroup", "cellar"],
    ["addGroupClient", "cellar", "sensor"],
    ["setDefaultACLAccess", "subscribe", "deny"],
    ["listClients"],
    ["listRoles"],
    ["getClient", "sensor"],
    ["getRole", "measuring"],
    ["getGroup", "cellar"],
    ["getDefaultACLAccess"],
    ["disableClient", "sensor"],
    ["getClient", "sensor"],
    ["deleteClient", "sensor"],
    ["listClients"],
    # Errors have to be told as well.
    ["getClient", "nobody"],
    ["createRole", "measuring"],
]


def run(world):
    config = world.folder / "security.json"
    world.output([CTRL, "dynsec", "init", config, "admin", "admin-secret"])
    port = free_port()
    broker = world.broker(f"plugin {find_plugin()}\nplugin_opt_config_file {config}", port)
    seen = []
    for task in TASKS:
        process = world.start([CTRL, "-p", port, "-u", "admin", "-P", "admin-secret", "dynsec", *task])
        seen.append(f"{' '.join(task)}: {process.wait()}")
        seen += process.lines
    wrong = world.start([CTRL, "-p", port, "-u", "admin", "-P", "wrong", "dynsec", "listClients"])
    seen.append(f"wrong password: {wrong.wait()} {wrong.text()}")
    broker.wait_for("not authorised")
    return f"{len(TASKS) + 1} commands, {len(seen)} lines", seen


def find_plugin():
    return glob.glob("/usr/lib/*/mosquitto_dynamic_security.so")[0]


PROGRAM = Program(
    title="mosquitto_ctrl",
    language="C",
    through="linked",
    task="users, roles, groups and access rights of a broker made, listed, changed and deleted by `dynsec`",
    version=lambda: debian_version("mosquitto"),
    run=run,
    packages=("mosquitto",),
)
