"""mosquitto-rs: an asynchronous client with a router of topics."""

import re

import crates
from world import Program

# Without the default features, which build a copy of libmosquitto that comes with the crate.
TESTS = ("test", "--no-run", "--no-default-features", "--features", "router")
EXAMPLES = ("build", "--examples", "--no-default-features", "--features", "router")


def prepare():
    crates.build("mosquitto-rs", *TESTS)
    crates.build("mosquitto-rs", *EXAMPLES)


def run(world):
    broker = world.broker()
    seen = []
    for name, test in sorted(crates.build("mosquitto-rs", *TESTS).items()):
        output = world.output([test, "--test-threads=1", "--nocapture"], env={"MQTT_SERVER": "localhost"})
        if "Skipping" in output:
            raise AssertionError(f"{name} was skipped")
        seen += re.findall(r"^test \S+ \.\.\. .*|^connect: .*|^msg: .*|^ok$", output, re.MULTILINE)
        summary = re.search(r"test result: ok\. (\d+) passed; 0 failed", output)
        if not summary:
            raise AssertionError(output)
        seen.append(summary.group())
    passed = sum(int(line.split()[3]) for line in seen if line.startswith("test result"))
    listener = broker.listen("test/#")
    examples = crates.build("mosquitto-rs", *EXAMPLES)
    for example in sorted(examples.values()):
        seen += world.output([example]).splitlines()
    listener.wait_for("^test/", len(examples))
    return f"{passed} tests and {len(examples)} examples passed", seen + listener.lines


PROGRAM = Program(
    title="mosquitto-rs",
    language="Rust",
    through="linked",
    task="its own tests and examples",
    version=lambda: f"{crates.version('mosquitto-rs')} (crates.io)",
    run=run,
    packages=("libmosquitto-dev", "pkg-config", "gcc"),
    prepare=prepare,
)
