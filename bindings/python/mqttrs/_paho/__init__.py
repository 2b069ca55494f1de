"""Paho's API by concern; programs use `mqttrs.client` and its neighbours."""
