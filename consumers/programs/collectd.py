"""collectd's plugin for MQTT, which has a client and a thread for each direction."""

import re

from world import Program, debian_version, free_port

CONFIG = """
Hostname "box"
FQDNLookup false
BaseDir "{folder}"
PIDFile "{folder}/collectd.pid"
Interval 0.05
LoadPlugin logfile
<Plugin logfile>
  LogLevel info
  File stdout
  Timestamp false
</Plugin>
LoadPlugin uptime
LoadPlugin load
LoadPlugin memory
LoadPlugin mqtt
<Plugin mqtt>
  <Publish "out">
    Host "127.0.0.1"
    Port "{port}"
    ClientId "collectd-out"
    QoS 2
    Prefix "metrics"
  </Publish>
  <Subscribe "in">
    Host "127.0.0.1"
    Port "{port}"
    ClientId "collectd-in"
    QoS 2
    Topic "input/#"
  </Subscribe>
</Plugin>
"""


def run(world):
    broker = world.broker(port=free_port())
    relayed = broker.listen("metrics/elsewhere/#", "-C", "20")
    config = world.write("collectd.conf", CONFIG.format(folder=world.folder, port=broker.port))
    collectd = world.start(["/usr/sbin/collectd", "-f", "-C", config])
    broker.wait_for("Sending SUBACK to collectd-in")
    # What it measures arrives, and is acknowledged.
    for measured in ("uptime/uptime", "load/load", "memory/memory-free"):
        broker.wait_for(f"'metrics/box/{measured}'", 5)
    broker.wait_for("Received PUBREL from collectd-out", 20)
    for value in range(20):
        broker.publish("input/elsewhere/memory/memory-free", f"10000000{value:02}:{value}", 2)
    relayed.wait()
    status = collectd.terminate()
    broker.wait_for("Client collectd-in")
    log = [re.sub(r"\d+", "0", line) for line in collectd.lines if "mqtt" in line]
    return (
        "own values published at QoS 2, 20 of others relayed",
        [*relayed.lines, f"ended with {status}", *log],
    )


PROGRAM = Program(
    title="collectd, plugin `mqtt`",
    language="C",
    through="linked",
    task="measures, publishes that, takes in what others measured and publishes it again",
    version=lambda: debian_version("collectd-core"),
    run=run,
    packages=("collectd-core",),
)
