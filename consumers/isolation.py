"""A network of their own for programs that know no other port than 1883, so that nothing that
listens on this machine is in their way, and they in nobody's."""

import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys

MARK = "MQTTRS_CONSUMERS_ISOLATED"
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
UNSHARE = ["unshare", "--user", "--map-root-user", "--net"]


def inside():
    return MARK in os.environ


def enter():
    """Starts this program anew in a network namespace, where it comes back here no more; where the
    system does not allow that, goes on in the network of this machine."""
    if shutil.which("unshare") and subprocess.run([*UNSHARE, "true"], stderr=subprocess.DEVNULL).returncode == 0:
        os.environ[MARK] = "namespace"
        os.execvp(UNSHARE[0], [*UNSHARE, sys.executable, "-B", *sys.argv])
    print("No network namespaces here: the programs run in the network of this machine, on port 1883.")
    os.environ[MARK] = "none"


def loopback_up():
    """Brings up the loopback interface, which a new namespace has down."""
    if os.environ.get(MARK) == "namespace":
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as anything:
            fcntl.ioctl(anything, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", IFF_UP))
