"""What `publish` and `subscribe` have in common."""

from __future__ import annotations

from typing import Any


def connected(
    client: Any,
    hostname: str,
    port: int,
    keepalive: int,
    will: dict[str, Any] | None,
    auth: dict[str, Any] | None,
    tls: Any,
    proxy_args: dict[str, Any] | None,
) -> None:
    """Sets up a client and connects it."""
    client.enable_logger()
    if proxy_args is not None:
        client.proxy_set(**proxy_args)
    if auth:
        if not auth.get("username"):
            raise KeyError("auth needs a username")
        client.username_pw_set(auth["username"], auth.get("password"))
    if will is not None:
        client.will_set(**will)
    if isinstance(tls, dict):
        arguments = dict(tls)
        insecure = arguments.pop("insecure", False)
        client.tls_set(**arguments)
        if insecure:
            client.tls_insecure_set(insecure)
    elif tls is not None:
        client.tls_set_context(tls)
    client.connect(hostname, port, keepalive)
