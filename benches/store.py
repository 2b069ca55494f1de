#!/usr/bin/env python3
"""The durable path beside Paho C's file persistence: messages a second, and the ratio.

Both store each message of QoS 1 so that it survives the end of the process, neither
synchronises, both have 20 in flight, and both talk to Debian's Mosquitto. Needs the Debian
packages mosquitto and libpaho-mqtt-dev, and build/store (`make store-test`).
"""
import pathlib
import socket
import subprocess
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
LIBRARY = HERE.parent / "build" / "store"
ROUNDS = 3


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        subprocess.run(["cc", "-O2", HERE / "store_paho.c", "-o", folder / "paho",
                        "-lpaho-mqtt3c"], check=True)
        subprocess.run(["cc", "-O2", "-I", HERE.parent / "include", HERE / "store_mqttrs.c",
                        "-o", folder / "mqttrs", "-L", LIBRARY, "-lmqttrs",
                        f"-Wl,-rpath,{LIBRARY}"], check=True)
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port = held.getsockname()[1]
        config = folder / "mosquitto.conf"
        config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous true\nuser root\n")
        broker = subprocess.Popen(["/usr/sbin/mosquitto", "-c", config],
                                  stderr=subprocess.DEVNULL)
        try:
            wait_for(port)
            rates = {"paho": [], "mqttrs": []}
            for _ in range(ROUNDS):
                for name, count in (("paho", 5000), ("mqttrs", 100000)):
                    store = folder / f"{name}-store"
                    store.mkdir(exist_ok=True)
                    out = subprocess.run([folder / name, str(port), str(count), store],
                                         check=True, capture_output=True, text=True)
                    rates[name].append(count / float(out.stdout))
        finally:
            broker.kill()
            broker.wait()
    best = {name: max(values) for name, values in rates.items()}
    for name, rate in best.items():
        print(f"{name}: {rate:.0f} messages a second")
    print(f"ratio: {best['mqttrs'] / best['paho']:.0f}")


def wait_for(port):
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("mosquitto does not start")


main()
