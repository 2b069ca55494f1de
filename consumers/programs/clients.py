"""Debian's mosquitto_pub, mosquitto_sub and mosquitto_rr."""

from world import Certificates, Program, debian_version, free_port

TOOLS = {name: f"/usr/bin/mosquitto_{name}" for name in ("pub", "sub", "rr")}


def run(world):
    certificates, tls_port = Certificates.make(world), free_port()
    broker = world.broker(certificates.listener(tls_port), free_port())
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

    tls = ["-p", tls_port, "-h", "localhost", "--cafile", certificates.ca]
    own = ["--cert", certificates.client, "--key", certificates.client_key]
    sub = subscriber("sub-tls", *tls, *own, "-t", "secret", "-C", "1", "-F", "%t %q %p")
    world.output([TOOLS["pub"], *tls, *own, "-q", "2", "-t", "secret", "-m", "over TLS"])
    sub.wait()
    seen += sub.lines
    # The broker's certificate is no other host's, and the broker wants one of the client's. What they
    # say is not the same: with libmosquitto the first is an end of mosquitto_connect, with libmqttrs one
    # of the loop.
    for host, options in (("127.0.0.1", own), ("localhost", [])):
        refused = world.start([TOOLS["pub"], "-h", host, *tls[:2], *tls[4:], *options, "-t", "secret", "-m", "x"])
        refused.wait_for("A TLS error occurred|The connection was lost")
        seen.append(f"TLS with {host}: ended well: {refused.wait() == 0}")

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
    task="lines published and received at each QoS, TLS with a client's certificate and without, MQTT 5 properties, a will, a request, a refused connection",
    version=lambda: debian_version("mosquitto-clients"),
    run=run,
    packages=("mosquitto-clients",),
)
