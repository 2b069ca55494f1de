"""pymosquitto: a client, and two for asyncio, one of which drives the library by descriptor."""

import pypi

PROGRAM = pypi.program("pymosquitto", "0.4.1", "pymosquitto")
