"""The native layer: libmqttrs as it is, close to the C API.

``Client`` is ``struct mosquitto``, ``Loop`` is ``struct mqttrs_loop``. The constants are those of
the C headers without their prefixes: ``ERR_SUCCESS`` is ``MOSQ_ERR_SUCCESS``, ``OUTCOME_SENT``
``MQTTRS_OUTCOME_SENT``, ``PROP_CONTENT_TYPE`` ``MQTT_PROP_CONTENT_TYPE``. Programs use
``mqttrs.client`` or ``mqttrs.aio``, which stand on this.
"""

from ._core import *  # noqa: F401,F403
from ._core import __version__  # noqa: F401
