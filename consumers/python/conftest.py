"""What the tests of pymosquitto and ctypes-mosquitto take for granted and their packages lack: a
`constants` module and two fixtures. PACKAGE names the package under test; the broker is on 1883."""

import importlib
import os
import sys
import threading
import types

import pytest

PACKAGE = os.environ["PACKAGE"]
constants = types.ModuleType("constants")
constants.HOST, constants.PORT, constants.USERNAME, constants.PASSWORD = "localhost", 1883, "", ""
sys.modules["constants"] = constants


@pytest.fixture(scope="session")
def client_factory():
    Mosquitto = importlib.import_module(f"{PACKAGE}.client").Mosquitto

    def make(**options):
        return Mosquitto(userdata=types.SimpleNamespace(), **options)

    return make


@pytest.fixture
def client(client_factory):
    connected = threading.Event()
    client = client_factory()
    set_on_connect(client, lambda *_: connected.set())
    client.connect(constants.HOST, constants.PORT)
    client.loop_start()
    assert connected.wait(10)
    set_on_connect(client, None)
    yield client
    client.disconnect(strict=False)


def set_on_connect(client, callback):
    if hasattr(client, "connect_callback_set"):
        client.connect_callback_set(callback)
    else:
        client.on_connect = callback
