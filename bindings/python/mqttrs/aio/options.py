"""What a client can be told: TLS, the will, reconnecting, proxies."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from typing import Optional, Sequence, Union

from .. import _native
from .properties import PropertiesLike, to_native

Payload = Union[str, bytes, bytearray, memoryview, int, float, None]


@dataclass
class Will:
    """What the server publishes when the connection is lost."""

    topic: str
    payload: Payload = None
    qos: int = 0
    retain: bool = False
    properties: PropertiesLike = None


@dataclass
class Reconnect:
    """When to connect again. Seconds; ``attempts`` in a row, 0 for no limit."""

    delay_min: float = 1.0
    delay_max: float = 60.0
    jitter: bool = True
    attempts: int = 0


@dataclass
class Proxy:
    """A proxy on the way to the server; ``kind`` is "http" or "socks5"."""

    kind: str
    host: str
    port: int
    username: Optional[str] = None
    password: Optional[str] = None


@dataclass
class TLS:
    """How the connection is encrypted, and whom to trust.

    Without ``ca_file``, ``ca_path`` and ``ca_data`` those are trusted whom the system trusts.
    ``certificate`` and ``key`` are files in PEM, ``certificate_data`` and ``key_data`` the same as
    bytes, with which the client shows who it is. ``check_hostname`` False takes a certificate for
    another host, ``verify`` False any. ``minimum_version`` is "tlsv1.2" or "tlsv1.3"; ``pins`` are
    the only keys that the server may have, as curl has it ("sha256//...").
    """

    ca_file: Optional[str] = None
    ca_path: Optional[str] = None
    ca_data: Optional[bytes] = None
    certificate: Optional[str] = None
    key: Optional[str] = None
    certificate_data: Optional[bytes] = None
    key_data: Optional[bytes] = None
    key_password: Optional[str] = None
    check_hostname: bool = True
    verify: bool = True
    minimum_version: Optional[str] = None
    ciphers: Optional[str] = None
    alpn: Sequence[str] = ()
    pins: Optional[str] = None


def tls_from(value: Union[TLS, bool, None]) -> Optional[TLS]:
    """What the argument ``tls`` of a client says."""
    if isinstance(value, ssl.SSLContext):
        raise NotImplementedError(
            "an ssl.SSLContext belongs to OpenSSL, which this library does not use, and what is "
            "in it cannot be read out: give mqttrs.aio.TLS(ca_file=..., certificate=..., key=...)"
        )
    if value is None or value is False:
        return None
    if value is True:
        return TLS()
    if isinstance(value, TLS):
        return value
    raise TypeError(f"tls is True, None or mqttrs.aio.TLS, not {type(value).__name__}")


def apply_tls(native: _native.Client, tls: TLS) -> list[int]:
    """Sets it; what the calls returned."""
    results = []
    if not (tls.ca_file or tls.ca_path or tls.ca_data):
        results.append(native.int_option(_native.OPT_TLS_USE_OS_CERTS, 1))
    if tls.ca_file or tls.ca_path or tls.certificate:
        files = (tls.ca_file, tls.ca_path, tls.certificate, tls.key, tls.key_password)
        results.append(native.tls_set(*files))
    if tls.ca_data:
        results.append(native.tls_ca_set(tls.ca_data))
    if tls.certificate_data:
        data = (tls.certificate_data, tls.key_data, tls.key_password)
        results.append(native.tls_certificate_set(*data))
    if not tls.verify or tls.minimum_version or tls.ciphers:
        results.append(native.tls_opts_set(tls.verify, tls.minimum_version, tls.ciphers))
    if not tls.check_hostname:
        results.append(native.tls_insecure_set(True))
    if tls.alpn:
        results.append(native.tls_alpn_set(list(tls.alpn)))
    if tls.pins:
        results.append(native.tls_pins_set(tls.pins))
    return results


def apply_will(native: _native.Client, will: Will) -> int:
    return native.will_set(
        will.topic, will.payload, will.qos, will.retain, to_native(will.properties)
    )


def apply_reconnect(native: _native.Client, reconnect: Optional[Reconnect]) -> int:
    if reconnect is None:
        return native.reconnect_set(off=True)
    return native.reconnect_set(
        delay_min=max(1, round(reconnect.delay_min * 1000)),
        delay_max=max(1, round(reconnect.delay_max * 1000)),
        doubling=True,
        jitter=reconnect.jitter,
        attempts=reconnect.attempts,
    )
