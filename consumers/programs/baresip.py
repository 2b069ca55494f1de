"""baresip's module for MQTT: a telephone that takes commands and tells what happens. It drives
the client in its own event loop (mosquitto_loop_read and its kin)."""

import json

from world import Program, debian_version, free_port

CONFIG = """
sip_listen 127.0.0.1:{sip}
net_interface 127.0.0.1
module_path /usr/lib/baresip/modules
module account.so
module g711.so
module_app contact.so
module_app menu.so
module_app debug_cmd.so
module_app mqtt.so
mqtt_broker_host 127.0.0.1
mqtt_broker_port {port}
mqtt_broker_clientid baresip
mqtt_basetopic phone
"""


def run(world):
    broker = world.broker(port=free_port())
    told = broker.listen("/phone/#")
    sip = free_port()
    world.write("config", CONFIG.format(port=broker.port, sip=sip))
    world.write("accounts", "<sip:alice@127.0.0.1>;regint=0\n")
    world.write("contacts", "")
    baresip = world.start(["/usr/bin/baresip", "-f", world.folder])
    broker.wait_for("Sending SUBACK to baresip")
    seen = []

    def command(token, name, params=""):
        request = {"command": name, "params": params, "token": token}
        broker.publish(f"/phone/command/{token}", json.dumps(request), 0)
        line = told.wait_for(f"^/phone/command_resp/{token} .*").group()
        answer = json.loads(line.split(" ", 2)[2])
        seen.append(f"{token}: {answer['response']} {answer['ok']} {bool(answer['data'])}")

    command("help", "help")
    command("accounts", "reginfo")
    command("unknown", "there-is-no-such-command")
    for number in range(50):
        command(f"again-{number}", "uastat")
    # Nobody listens there, so the call ends at once.
    command("call", "dial", f"sip:bob@127.0.0.1:{free_port()};transport=tcp")
    for event in ("CALL_LOCAL_SDP", "CALL_CLOSED"):
        line = told.wait_for(f'^/phone/event .*"type":"{event}"').string
        body = json.loads(line.split(" ", 2)[2])
        seen.append(f"{event}: {sorted(body)} {body['accountaor']}")
    status = baresip.terminate()
    return f"{len(seen) - 2} commands answered, 2 events told", [*seen, f"ended with {status}"]


PROGRAM = Program(
    title="baresip, module `mqtt`",
    language="C",
    through="linked",
    task="a telephone gets commands, answers them, tells the events of a call",
    version=lambda: debian_version("baresip-core"),
    run=run,
    packages=("baresip-core",),
)
