"""mosquitto-client: a client with closures for callbacks. It has no tests, but examples."""

import re

import crates
from world import Program

EXAMPLES = ("build", "--examples")


def run(world):
    broker = world.broker()
    examples = crates.build("mosquitto-client", *EXAMPLES)
    seen = []

    for name in ("publish_wait", "self-publish", "self-publish-receive-many", "verify-publish"):
        output = world.output([examples[name]])
        seen += [f"{name}: {re.sub(r'[0-9.]+ msec', 'msec', line)}" for line in output.splitlines()]
    # This one ends when somebody publishes below frodo/.
    listening = world.start([examples["subscribe-and-listen"]])
    broker.wait_for("Sending SUBACK to test", 4)
    broker.publish("bonzo/cat", "meow")
    broker.publish("frodo/ring", "found")
    seen.append(f"subscribe-and-listen: {listening.wait()}")
    seen += listening.lines
    return f"{len(examples)} examples passed", seen


PROGRAM = Program(
    title="mosquitto-client",
    language="Rust",
    through="linked",
    task="its own examples",
    version=lambda: f"{crates.version('mosquitto-client')} (crates.io)",
    run=run,
    packages=("libmosquitto-dev", "gcc"),
    prepare=lambda: crates.build("mosquitto-client", *EXAMPLES),
)
