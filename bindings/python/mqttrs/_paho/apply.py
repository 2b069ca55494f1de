"""Hands the settings of a client to the library, before each attempt to connect."""

from __future__ import annotations

import dataclasses
import sys
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from .. import _native
from ..enums import MQTTProtocolVersion
from .constants import MQTT_CLEAN_START_FIRST_ONLY
from .errors import connect_failed

_SOCKS5 = 2
_HTTP = 3
# The upgrade itself needs these, and the library makes them.
_OF_THE_UPGRADE = ("connection", "upgrade", "sec-websocket-key", "sec-websocket-version")


@dataclasses.dataclass
class Tls:
    """How TLS is to be."""

    ca_file: str | None = None
    ca_pem: bytes | None = None
    certfile: str | None = None
    keyfile: str | None = None
    keyfile_password: str | None = None
    verify: bool = True
    insecure: bool = False
    version: str | None = None
    ciphers: str | None = None
    alpn: list[str] | None = None
    keylog: str | None = None


def apply_settings(client: Any) -> None:
    """Sets everything anew; what the library does not take raises what connecting would."""
    core = client._core
    websockets = client._transport == "websockets"
    v5 = client._protocol == MQTTProtocolVersion.MQTTv5
    _check(core, core.int_option(_native.OPT_PROTOCOL_VERSION, int(client._protocol)))
    transport = _native.T_WEBSOCKETS if websockets else _native.T_TCP
    _check(core, core.int_option(_native.OPT_TRANSPORT, transport))
    _check(core, core.int_option(_native.OPT_SEND_MAXIMUM, client._max_inflight_messages))
    # Paho says nothing about how many messages it takes at once.
    _check(core, core.int_option(_native.OPT_RECEIVE_MAXIMUM, 0))
    _check(core, core.connect_timeout_set(max(1, int(client._connect_timeout * 1000))))
    password = client._password
    _check(
        core,
        core.username_pw_set(
            client._username, password.decode("utf-8") if password is not None else None
        ),
    )
    if v5:
        clean = client._clean_start
        if clean == MQTT_CLEAN_START_FIRST_ONLY:
            clean = client._first_connect
        _check(core, core.clean_start_set(bool(clean)))
    _apply_will(client, core, v5)
    if websockets:
        _apply_websocket(client, core)
    _apply_proxy(client, core)
    if client._tls is not None:
        _apply_tls(client._tls, core)


def _check(core: Any, rc: int) -> None:
    if rc:
        raise connect_failed(core, rc, False)


def _apply_will(client: Any, core: Any, v5: bool) -> None:
    if not client._will:
        _check(core, core.will_clear())
        return
    _check(
        core,
        core.will_set(
            client._will_topic,
            client._will_payload,
            client._will_qos,
            client._will_retain,
            client._will_properties if v5 else None,
        ),
    )


def _apply_websocket(client: Any, core: Any) -> None:
    _check(core, core.string_option(_native.OPT_HTTP_PATH, client._websocket_path))
    secure = client._tls is not None
    host = client._host
    if client._port != (443 if secure else 80):
        host = f"{host}:{client._port}"
    headers = {
        "Host": host,
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Origin": f"{'https' if secure else 'http'}://{host}",
        "Sec-Websocket-Version": "13",
        "Sec-Websocket-Protocol": "mqtt",
    }
    own = client._websocket_headers
    if isinstance(own, dict):
        headers.update(own)
    elif own is not None:
        headers = own(headers)
    _check(core, core.websocket_header_add(None))
    for name, value in headers.items():
        if name.lower() not in _OF_THE_UPGRADE:
            _check(core, core.websocket_header_add(name, str(value)))


def _apply_proxy(client: Any, core: Any) -> None:
    proxy = client._proxy or _proxy_of_environment(client._host)
    client._through_proxy = bool(proxy)
    if not proxy or client._transport == "unix":
        _check(core, core.proxy_set("http", None, 8080))
        return
    socks = proxy["proxy_type"] == _SOCKS5
    _check(
        core,
        core.proxy_set(
            "socks5" if socks else "http",
            proxy["proxy_addr"],
            proxy.get("proxy_port") or (1080 if socks else 8080),
            proxy.get("proxy_username"),
            proxy.get("proxy_password"),
        ),
    )


def _proxy_of_environment(host: str) -> dict[str, Any] | None:
    """What the variable mqtt_proxy names, or the default proxy of PySocks where that is in use."""
    if not urllib.request.proxy_bypass(host):
        parts = urllib.parse.urlparse(urllib.request.getproxies().get("mqtt", ""))
        kind = {"http": _HTTP, "socks": _SOCKS5}.get(parts.scheme)
        if kind:
            return {
                "proxy_type": kind,
                "proxy_addr": parts.hostname,
                "proxy_port": parts.port,
            }
    socks = sys.modules.get("socks")
    default = socks.get_default_proxy() if socks else None
    if default and default[0] in (_SOCKS5, _HTTP) and default[1]:
        names = "proxy_type proxy_addr proxy_port proxy_rdns proxy_username proxy_password"
        return dict(zip(names.split(), default))
    return None


def _apply_tls(tls: Tls, core: Any) -> None:
    if tls.ca_pem is not None:
        _check(core, core.tls_ca_set(tls.ca_pem))
    elif tls.ca_file is None:
        _check(core, core.int_option(_native.OPT_TLS_USE_OS_CERTS, 1))
    else:
        _check(core, core.tls_set(tls.ca_file))
    if tls.certfile is not None:
        # From memory, since files of one's own need an authority in a file beside them.
        certificate = Path(tls.certfile).read_bytes()
        key = Path(tls.keyfile or tls.certfile).read_bytes()
        _check(core, core.tls_certificate_set(certificate, key, tls.keyfile_password))
    _check(core, core.tls_opts_set(tls.verify, tls.version, tls.ciphers))
    _check(core, core.tls_insecure_set(tls.insecure))
    if tls.alpn is not None:
        _check(core, core.tls_alpn_set(tls.alpn))
    if tls.keylog is not None:
        _check(core, core.tls_keylog_set(tls.keylog))
