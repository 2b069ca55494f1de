"""libmosquitto's own tests of the library, from Debian's source package: 68 programs in C and C++, and
for each a script that plays the server and compares every byte."""

import ast
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from library import BUILD, DEBIAN, DROPIN, OURS
from world import Program

VERSION = "2.0.11"
FOLDER = BUILD / "consumers/upstream"
SOURCES = FOLDER / f"mosquitto-{VERSION}"
DEVIATIONS = Path(__file__).resolve().parent.parent / "upstream/deviations.tsv"
# The certificates that come with the tests have expired.
WHEN = "2021-06-01 12:00:00"
# With libmosquitto it ends well or with a reset, as the two processes happen to run.
UNSTEADY = {"c/03-publish-c2b-qos2-maximum-qos-1.test"}
# The tests wait more than they work.
AT_ONCE = 4


def system_libraries():
    libraries = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    return {Path(path).name: path for path in re.findall(r"=> (\S+/libmosquitto(?:pp)?\.so\.1)$", libraries, re.MULTILINE)}


def prepare():
    if (FOLDER / "built").exists():
        return
    shutil.rmtree(FOLDER, ignore_errors=True)
    (FOLDER / "lists/partial").mkdir(parents=True)
    fetch()
    archive = next(FOLDER.glob("mosquitto_*.orig.tar.gz"))
    subprocess.run(["tar", "-xzf", archive, "-C", FOLDER], check=True)
    # Where the tests look for the library. It is built against Debian's, and another one is put in its place.
    system = system_libraries()
    (SOURCES / "lib/libmosquitto.so.1").symlink_to(system["libmosquitto.so.1"])
    (SOURCES / "lib/cpp/libmosquittopp.so.1").symlink_to(system["libmosquittopp.so.1"])
    for language in ("c", "cpp"):
        subprocess.run(["make", "-s", "-C", SOURCES / "test/lib" / language], check=True)
    (FOLDER / "built").touch()


def fetch():
    """Debian's source package, by a list of sources of its own: most machines have none."""
    entry = next(
        match
        for path in [*Path("/etc/apt/sources.list.d").glob("*.sources"), Path("/etc/apt/sources.list")]
        if path.exists() and (match := re.search(r"^(?:URIs: *|deb +(?:\[.*\] *)?)(\S+/debian)/?(?:\s|$)", path.read_text(), re.MULTILINE))
    )
    (FOLDER / "sources.list").write_text(f"deb-src {entry.group(1)} bookworm main\n")
    apt = ["apt-get", "-q", "-o", f"Dir::Etc::SourceList={FOLDER}/sources.list", "-o", "Dir::Etc::SourceParts=/dev/null"]
    apt += ["-o", f"Dir::State::Lists={FOLDER}/lists", "-o", f"Dir::Cache={FOLDER}/cache"]
    (FOLDER / "cache/archives/partial").mkdir(parents=True)
    for command in (["update"], ["source", "--download-only", "mosquitto"]):
        subprocess.run([*apt, *command], cwd=FOLDER, check=True, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)


def tests():
    """What libmosquitto's test.py runs: [(script, program)]."""
    text = (SOURCES / "test/lib/test.py").read_text()
    listed = ast.literal_eval(re.search(r"^tests = (\[.*?^\s*\])", text, re.MULTILINE | re.DOTALL).group(1))
    return [(arguments[0], arguments[1]) for _, arguments in listed]


def deviations():
    rows = [line.split("\t") for line in DEVIATIONS.read_text().splitlines() if line and not line.startswith("#")]
    return dict(rows[1:])


def run(world):
    folder = world.folder / "mosquitto"
    shutil.copytree(SOURCES, folder, symlinks=True)
    world.working_folder = folder / "test/lib"
    if world.library == OURS:
        link = folder / "lib/libmosquitto.so.1"
        link.unlink()
        link.symlink_to(DROPIN / "libmosquitto.so.1")

    def attempt(numbered):
        number, (script, program) = numbered
        # The port is the last argument; each has its own.
        script = f"cd {folder}/test/lib && exec faketime '{WHEN}' python3 {script} {program} {20000 + number}"
        return program, world.start(["sh", "-c", script]).wait() == 0

    with ThreadPoolExecutor(AT_ONCE) as pool:
        passed = dict(pool.map(attempt, enumerate(tests())))
    expected = deviations() if world.library == OURS else {}
    failed = {program for program, good in passed.items() if not good}
    if world.library == DEBIAN:
        failed -= UNSTEADY
    steady = {program for program, why in expected.items() if not why.startswith("sometimes")}
    unexpected, stale = failed - set(expected), steady - failed
    if unexpected or stale:
        raise AssertionError(f"failed and not explained: {sorted(unexpected)}; explained and passed: {sorted(stale)}")
    otherwise = f", {len(expected)} end otherwise, see below" if expected else ""
    return f"{len(passed) - len(expected)} of {len(passed)} passed{otherwise}", sorted(passed)


PROGRAM = Program(
    title="libmosquitto's tests",
    language="C, C++",
    through="linked",
    task="its own tests, byte by byte",
    version=lambda: f"{VERSION} (Debian's source package)",
    run=run,
    explanations=deviations,
    packages=("gcc", "g++", "make", "python3", "faketime", "libmosquitto1", "libmosquittopp1"),
    prepare=prepare,
)
