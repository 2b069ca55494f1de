"""ctypes-mosquitto, which declares all of libmosquitto's functions to ctypes."""

import pypi

PROGRAM = pypi.program("ctypes-mosquitto", "0.2.0", "ctypes-mosquitto")
