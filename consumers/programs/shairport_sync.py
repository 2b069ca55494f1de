"""Shairport Sync, a loudspeaker for the network, which tells by MQTT what it plays. A player's side
of the conversation (RTSP) is played here; it needs D-Bus and Avahi, which get nobody else's."""

import re
import socket
import struct
from pathlib import Path

from world import PATIENCE, Program, debian_version, free_port

CONFIG = """
general = {{ name = "speaker"; output_backend = "dummy"; port = {rtsp}; }};
metadata = {{ enabled = "yes"; include_cover_art = "no"; pipe_name = "{folder}/metadata"; }};
mqtt = {{ enabled = "yes"; hostname = "localhost"; port = {port}; topic = "speaker"; publish_raw = "yes";
  publish_parsed = "yes"; enable_remote = "yes"; }};
"""

BUS = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-BUS Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>system</type>
  <listen>unix:path={folder}/bus</listen>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
"""

STREAM = """v=0
o=player 1 0 IN IP4 127.0.0.1
s=player
c=IN IP4 127.0.0.1
t=0 0
m=audio 0 RTP/AVP 96
a=rtpmap:96 AppleLossless
a=fmtp:96 352 0 16 40 10 14 2 255 0 0 44100
"""


class Player:
    """Somebody who sends music to the loudspeaker."""

    def __init__(self, port):
        self.connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
        self.count = 0

    def ask(self, method, body=b"", **headers):
        self.count += 1
        headers = {"CSeq": self.count, "User-Agent": "player", "DACP-ID": "1234", "Active-Remote": "42", **headers}
        if body:
            headers["Content-Length"] = len(body)
        lines = [f"{method} rtsp://127.0.0.1/1 RTSP/1.0", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
        self.connection.sendall(("\r\n".join(lines) + "\r\n\r\n").encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer:
            piece = self.connection.recv(4096)
            if not piece:
                raise AssertionError(f"{method}: the connection ended")
            answer += piece
        return f"{method}: {answer.splitlines()[0].decode()}"


def item(code, value):
    return code + struct.pack(">I", len(value)) + value


def song(number):
    parts = {b"minm": f"Song {number}", b"asar": "Artist", b"asal": "Album", b"asgn": "Genre"}
    return item(b"mlit", b"".join(item(code, text.encode()) for code, text in parts.items()))


def start(world, port, rtsp):
    bus = world.write("bus.conf", BUS.format(folder=world.folder))
    address = {"DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={world.folder}/bus"}
    dbus = world.start_outside(["dbus-daemon", f"--config-file={bus}", "--nofork", "--nopidfile", "--print-address"])
    dbus.wait_for("unix:path=")
    # Avahi keeps its state in /run, owned by a user and a group of its own, which this namespace does
    # not have: it gets another /run, and is told that both are root.
    for name in ("passwd", "group"):
        text = Path("/etc", name).read_text()
        world.write(name, re.sub(r"^avahi:x:\d+:(\d+:)?", "avahi:x:0:" + "0:" * (name == "passwd"), text, flags=re.MULTILINE))
    script = (
        "mount -t tmpfs none /run && mount --bind passwd /etc/passwd && mount --bind group /etc/group && "
        "exec avahi-daemon --no-drop-root --no-chroot --no-rlimits -f avahi.conf"
    )
    world.write("avahi.conf", "")
    avahi = world.start_outside(["unshare", "--mount", "sh", "-c", script], env=address)
    avahi.wait_for("Server startup complete")
    config = world.write("speaker.conf", CONFIG.format(folder=world.folder, port=port, rtsp=rtsp))
    return world.start(["/usr/bin/shairport-sync", "-u", "-vv", "-c", config], env=address)


def run(world):
    broker = world.broker(port=free_port())
    told = broker.listen("speaker/#")
    rtsp = free_port()
    speaker = start(world, broker.port, rtsp)
    broker.wait_for(r"speaker/remote \(QoS")
    # It is made known when the loudspeaker listens.
    speaker.wait_for("group is registering")
    seen = []
    player = Player(rtsp)
    seen.append(player.ask("ANNOUNCE", STREAM.replace("\n", "\r\n").encode(), Content_Type="application/sdp"))
    transport = "RTP/AVP/UDP;unicast;interleaved=0-1;mode=record;control_port=6001;timing_port=6002"
    seen.append(player.ask("SETUP", Transport=transport))
    seen.append(player.ask("RECORD", Range="npt=0-", RTP_Info="seq=1;rtptime=0"))
    told.wait_for("^speaker/play_start ")
    # The volume to begin with.
    told.wait_for("^speaker/volume ")
    seen.append(player.ask("SET_PARAMETER", b"volume: -15.0\r\n", Content_Type="text/parameters"))
    told.wait_for("^speaker/volume . -15")
    for number in range(20):
        body = song(number)
        seen.append(player.ask("SET_PARAMETER", body, Content_Type="application/x-dmap-tagged", RTP_Info="rtptime=0"))
        told.wait_for(f"^speaker/title . Song {number}$")
    broker.publish("speaker/remote", "playpause")
    seen.append(player.ask("TEARDOWN"))
    told.wait_for("^speaker/play_end ")
    # The songs keep their order; what other threads of it tell comes in between.
    songs = [line for line in told.lines if re.match("speaker/(artist|album|title|genre) ", line)]
    others = sorted(line for line in told.lines if re.match("speaker/(play_|volume|client_ip)", line))
    status = speaker.terminate()
    return f"{len(songs) + len(others)} messages on what is played", [*seen, *songs, *others, f"ended with {status}"]


PROGRAM = Program(
    title="Shairport Sync",
    language="C",
    through="linked",
    task="a loudspeaker tells what a player sends it",
    version=lambda: debian_version("shairport-sync"),
    run=run,
    packages=("shairport-sync", "dbus", "avahi-daemon"),
)
