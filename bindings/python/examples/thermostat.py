"""A house of rooms: each reports its temperature, a thermostat answers, and the hall shows.

    python3 thermostat.py [HOST [PORT]]

Sensors publish with QoS 1, the thermostat keeps the last value of each room and serves requests for
the average, and everything goes on by itself when the connection is lost. Ends after ten readings.
"""

from __future__ import annotations

import asyncio
import random
import sys

from mqttrs import aio

ROOMS = ("hall", "kitchen", "attic")


async def sensor(client: aio.Client, room: str) -> None:
    """Measures, and tells how good the measurement is in a property."""
    celsius = 20.0
    while True:
        celsius += random.uniform(-0.5, 0.5)
        properties = aio.Properties(
            content_type="text/plain", user_property={"sensor": f"ds18b20/{room}"}
        )
        await client.publish(f"house/{room}/celsius", f"{celsius:.1f}", 1, properties=properties)
        await asyncio.sleep(0.05)


class Thermostat:
    """Listens to all rooms, and knows their average."""

    def __init__(self) -> None:
        self.celsius: dict[str, float] = {}

    async def listen(self, client: aio.Client, readings: int) -> None:
        async with client.subscribed("house/+/celsius", qos=1) as messages:
            async for message in messages:
                room = message.topic.split("/")[1]
                self.celsius[room] = float(message.text)
                sensor_name = dict(message.properties.user_property)["sensor"]
                print(f"{room:8} {message.text} °C  ({sensor_name})")
                readings -= 1
                if readings == 0:
                    return

    async def average(self, request: aio.Message) -> str:
        return f"{sum(self.celsius.values()) / len(self.celsius):.2f}"


async def main(host: str = "127.0.0.1", port: str = "1883") -> None:
    will = aio.Will("house/thermostat", "gone", qos=1)
    thermostat = Thermostat()
    async with aio.Client(host, int(port), will=will) as client:
        sensors = [asyncio.create_task(sensor(client, room)) for room in ROOMS]
        await thermostat.listen(client, readings=10)
        for task in sensors:
            task.cancel()
        async with client.serve("house/average", thermostat.average):
            answer = await client.request("house/average", timeout=10)
            print(f"average  {answer.text} °C")


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
