"""Kamailio's module for MQTT: a SIP server that publishes and is told things by MQTT."""

import glob
import re
import socket

from world import PATIENCE, Certificates, Program, debian_version, free_port

CONFIG = """
#!KAMAILIO
debug=2
log_stderror=yes
fork=yes
children=1
auto_aliases=no
listen=udp:127.0.0.1:{sip}
mpath="{modules}"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "mqtt.so"
modparam("mqtt", "host", "localhost")
modparam("mqtt", "port", {port})
modparam("mqtt", "ca_file", "{tls.ca}")
modparam("mqtt", "certificate", "{tls.client}")
modparam("mqtt", "private_key", "{tls.client_key}")
modparam("mqtt", "id", "kamailio")
modparam("mqtt", "will_topic", "server/state")
modparam("mqtt", "will", "gone")

request_route {{
    mqtt_publish("server/requests", "$rm from $fU", 1);
    sl_send_reply("200", "OK");
}}
event_route[mqtt:connected] {{
    mqtt_subscribe("orders/#", 2);
    mqtt_publish("server/state", "here", 1);
}}
event_route[mqtt:message] {{
    # The function wants the QoS as a constant.
    switch ($mqtt(qos)) {{
        case 0: mqtt_publish("server/done", "$mqtt(topic) $mqtt(qos) $mqtt(msg)", 0); break;
        case 1: mqtt_publish("server/done", "$mqtt(topic) $mqtt(qos) $mqtt(msg)", 1); break;
        case 2: mqtt_publish("server/done", "$mqtt(topic) $mqtt(qos) $mqtt(msg)", 2); break;
    }}
}}
"""

OPTIONS = """OPTIONS sip:server@127.0.0.1 SIP/2.0
Via: SIP/2.0/UDP 127.0.0.1:{port};branch=z9hG4bK{number}
From: <sip:caller{number}@127.0.0.1>;tag={number}
To: <sip:server@127.0.0.1>
Call-ID: {number}@127.0.0.1
CSeq: 1 OPTIONS
Max-Forwards: 5
Content-Length: 0

"""


def run(world):
    tls, tls_port = Certificates.make(world), free_port()
    broker = world.broker(tls.listener(tls_port), free_port())
    done = broker.listen("server/done", "-C", "30")
    requests = broker.listen("server/requests", "-C", "20")
    state = broker.listen("server/state")
    sip = free_port()
    modules = glob.glob("/usr/lib/*/kamailio/modules")[0]
    config = world.write("kamailio.cfg", CONFIG.format(sip=sip, port=tls_port, tls=tls, modules=modules).lstrip())
    kamailio = world.start(
        ["/usr/sbin/kamailio", "-f", config, "-DD", "-E", "-m", "16", "-M", "4", "-P", world.folder / "pid", "-Y", world.folder]
    )
    broker.wait_for("Sending SUBACK to kamailio")
    state.wait_for("^server/state . here")
    for number in range(30):
        broker.publish(f"orders/{number}", f"order {number}", number % 3)
    done.wait()
    answers = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
        caller.bind(("127.0.0.1", 0))
        caller.settimeout(PATIENCE)
        for number in range(20):
            text = OPTIONS.format(port=caller.getsockname()[1], number=number).replace("\n", "\r\n")
            caller.sendto(text.encode(), ("127.0.0.1", sip))
            answers.append(caller.recv(4096).split(b"\r\n")[0].decode())
    requests.wait()
    # Killed, it cannot say goodbye: the broker publishes its will.
    kamailio.kill()
    state.wait_for("^server/state . gone")
    errors = [re.sub(r"\d+", "0", line) for line in kamailio.lines if "mqtt" in line and "ERROR" in line]
    # The broker passes on QoS 2 when it has the PUBREL, so what has another QoS may overtake it.
    seen = [*sorted(done.lines), *sorted(requests.lines), *answers, *state.lines, *errors]
    return "30 orders received and answered, 20 SIP requests told, will", seen


PROGRAM = Program(
    title="Kamailio, module `mqtt`",
    language="C",
    through="linked",
    task="a SIP server, over TLS with a certificate of its own, publishes requests, acts on messages of each QoS, is killed and leaves its will",
    version=lambda: debian_version("kamailio-mqtt-modules"),
    run=run,
    packages=("kamailio", "kamailio-mqtt-modules"),
)
