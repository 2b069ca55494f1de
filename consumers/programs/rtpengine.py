"""rtpengine, which publishes statistics of its calls."""

import json
import socket

from world import PATIENCE, Certificates, Program, debian_version, free_port

SDP = """v=0
o=- 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio {port} RTP/AVP 0
a=rtpmap:0 PCMU/8000
a=sendrecv
"""


def bencode(value):
    """As the control protocol wants it."""
    if isinstance(value, dict):
        return b"d" + b"".join(bencode(k) + bencode(v) for k, v in value.items()) + b"e"
    data = value.encode()
    return str(len(data)).encode() + b":" + data


def shape(value):
    """A JSON document without its figures."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def run(world):
    tls, tls_port = Certificates.make(world), free_port()
    broker = world.broker(tls.listener(tls_port), free_port())
    calls = broker.listen("rtp/#")
    control = free_port()
    command = ["/usr/bin/rtpengine", "--foreground", "--log-stderr", "--table=-1", "--interface=127.0.0.1"]
    command += [f"--listen-ng=127.0.0.1:{control}", f"--pidfile={world.folder}/pid", "--num-threads=2"]
    command += ["--port-min=30000", "--port-max=30100", "--config-file=none"]
    command += ["--mqtt-host=localhost", f"--mqtt-port={tls_port}", "--mqtt-id=rtpengine", "--mqtt-publish-qos=1"]
    command += [f"--mqtt-cafile={tls.ca}", f"--mqtt-certfile={tls.client}", f"--mqtt-keyfile={tls.client_key}"]
    command += ["--mqtt-publish-topic=rtp/calls", "--mqtt-publish-interval=100", "--mqtt-publish-scope=call"]
    rtpengine = world.start(command)
    broker.wait_for("Sending CONNACK to rtpengine")
    rtpengine.wait_for("Startup complete|Opening|Listening|version", 1)
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.settimeout(PATIENCE)

        def ask(name, **arguments):
            request = {"command": name, "call-id": "call-1", "from-tag": "a", **arguments}
            caller.sendto(f"{len(answers)}_x ".encode() + bencode(request), ("127.0.0.1", control))
            reply = caller.recv(65536)
            answers.append(f"{name}: {'ok' if b'6:result2:ok' in reply else reply}")

        ask("offer", sdp=SDP.format(port=20000))
        ask("answer", sdp=SDP.format(port=20002), **{"to-tag": "b"})
        calls.wait_for("call-1", 10)
        ask("delete", **{"to-tag": "b"})
    status = rtpengine.terminate()
    broker.wait_for("Client rtpengine")
    lines = [line for line in calls.lines if "call-1" in line]
    topic, qos, body = lines[-1].split(" ", 2)
    seen = [*answers, f"{topic} {qos} {json.dumps(shape(json.loads(body)))}", f"ended with {status}"]
    return "a call's statistics published ten times and more", seen


PROGRAM = Program(
    title="rtpengine",
    language="C",
    through="linked",
    task="a relay for telephone calls publishes the statistics of one, over TLS with a certificate of its own",
    version=lambda: debian_version("rtpengine-daemon"),
    run=run,
    packages=("rtpengine-daemon",),
)
