"""Debian's mosquitto_pub, mosquitto_sub and mosquitto_rr."""

from world import Program, debian_version

TOOLS = {name: f"/usr/bin/mosquitto_{name}" for name in ("pub", "sub", "rr")}


def run(world):
    broker = world.broker()
    seen = []

    def subscriber(name, *options):
        command = [TOOLS["sub"], "-p", broker.port, "-i", name, *options]
        process = world.start(command)
        broker.wait_for(f"Sending SUBACK to {name}")
        return process

    for qos in "012":
        sub = subscriber(f"sub-{qos}", "-q", qos, "-t", f"lines/{qos}", "-C", "500", "-F", "%t %q %p")
        lines = "".join(f"line {i}\n" for i in range(500))
        world.output([TOOLS["pub"], "-p", broker.port, "-q", qos, "-t", f"lines/{qos}", "-l"], stdin=lines)
        sub.wait()
        seen += sub.lines

    sub = subscriber("sub-5", "-V", "5", "-t", "properties", "-C", "1", "-F", "%t %p %C %R %D %P")
    properties = ["content-type", "text/plain", "response-topic", "answers", "correlation-data", "17"]
    options = [word for pair in zip(properties[::2], properties[1::2]) for word in ("-D", "publish", *pair)]
    user = ["-D", "publish", "user-property", "unit", "celsius"]
    world.output([TOOLS["pub"], "-p", broker.port, "-V", "5", "-t", "properties", "-m", "20", *options, *user])
    sub.wait()
    seen += sub.lines

    listener = broker.listen("wills/#", "-C", "1")
    dying = subscriber("dying", "--will-topic", "wills/dying", "--will-payload", "gone", "--will-qos", "2", "-t", "x")
    dying.kill()
    listener.wait()
    seen += listener.lines

    answering = broker.listen("questions", "-C", "1")
    asking = world.start(
        [TOOLS["rr"], "-V", "5", "-p", broker.port, "-i", "asking", "-t", "questions", "-e", "answers", "-m", "how?"]
    )
    answering.wait()
    broker.publish("answers", "so", 1)
    if asking.wait() != 0:
        raise AssertionError(asking.text())
    seen += answering.lines + asking.lines

    refused = world.start([TOOLS["pub"], "-p", "9", "-t", "x", "-m", "x"])
    seen.append(f"{refused.wait()}: {refused.text()}")
    return f"1,500 lines at QoS 0, 1, 2, {len(seen) - 1500} further results", seen


PROGRAM = Program(
    title="mosquitto_pub, mosquitto_sub, mosquitto_rr",
    language="C",
    through="linked",
    task="lines published and received at each QoS, MQTT 5 properties, a will, a request, a refused connection",
    version=lambda: debian_version("mosquitto-clients"),
    run=run,
    packages=("mosquitto-clients",),
)
