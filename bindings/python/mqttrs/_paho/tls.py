"""TLS: Paho's arguments and Python's contexts, as the library understands them."""

from __future__ import annotations

import os
import ssl
from typing import Any

from .apply import Tls
from .loops import Loops

# PROTOCOL_TLS and PROTOCOL_TLS_CLIENT leave the choice; TLS below 1.2 is not spoken.
_VERSIONS = {
    None: None,
    int(ssl.PROTOCOL_TLS): None,
    int(ssl.PROTOCOL_TLS_CLIENT): None,
    int(getattr(ssl, "PROTOCOL_TLSv1_2", 5)): "tlsv1.2",
}


class TlsSettings(Loops):
    """What is said about TLS before connecting."""

    def tls_set(
        self,
        ca_certs: str | None = None,
        certfile: str | None = None,
        keyfile: str | None = None,
        cert_reqs: ssl.VerifyMode | None = None,
        tls_version: int | None = None,
        ciphers: str | None = None,
        keyfile_password: str | None = None,
        alpn_protocols: list[str] | None = None,
    ) -> None:
        """Has the client use TLS.

        `ca_certs` is a file of the authorities to trust, in PEM, by default those of the system.
        `certfile` and `keyfile`, with `keyfile_password` if it is encrypted, are what the client
        shows to a server that asks; without `keyfile` the key is in `certfile`. With
        `cert_reqs=ssl.CERT_NONE` any certificate will do. `tls_version` is the least one:
        `ssl.PROTOCOL_TLSv1_2` allows 1.3 too. `ciphers` as for `mosquitto_tls_opts_set`.
        `alpn_protocols` are offered, the preferred one first.

        Raises `ValueError` where TLS was configured before and for a version below 1.2, an
        `OSError` for a file that cannot be read, `ssl.SSLError` for one that has not what it
        should have, or when connecting.
        """
        if tls_version not in _VERSIONS:
            raise ValueError("TLS 1.2 is the oldest version that the library speaks")
        for path in (ca_certs, certfile, keyfile):
            if path is not None:
                with open(path, "rb"):
                    pass
        tls = Tls(
            ca_file=ca_certs,
            certfile=certfile,
            keyfile=keyfile or certfile,
            keyfile_password=keyfile_password,
            verify=cert_reqs != ssl.CERT_NONE,
            version=_VERSIONS[tls_version],
            ciphers=ciphers,
            alpn=list(alpn_protocols) if alpn_protocols is not None else None,
        )
        tls.insecure = not tls.verify
        self._tls_begin(tls)

    def tls_set_context(self, context: ssl.SSLContext | None = None) -> None:
        """Has the client use TLS with the settings of a context; by default with a default one.

        TLS is the library's own, so what counts is what can be read from a context: the
        authorities, `verify_mode`, `check_hostname`, `minimum_version` and `keylog_filename`.
        A client certificate, ALPN and ciphers cannot be read; give those to `tls_set()`. A
        context that has a client certificate raises `NotImplementedError`, and so does one
        without authorities that checks certificates, or that excludes TLS 1.3.
        """
        if self._tls is not None:
            raise ValueError("TLS is configured already")
        if context is None:
            context = ssl.create_default_context()
        self._tls_begin(_from_context(context))

    def tls_insecure_set(self, value: bool) -> None:
        """Whether the server's certificate may be for another host: not for real use.

        Comes after `tls_set()` or `tls_set_context()`; before raises `ValueError`.
        """
        if self._tls is None:
            raise ValueError("tls_set() or tls_set_context() has to come first")
        self._tls.insecure = value

    def _tls_begin(self, tls: Tls) -> None:
        if self._tls is not None:
            raise ValueError("TLS is configured already")
        self._tls = tls


def _from_context(context: Any) -> Tls:
    verify = context.verify_mode != ssl.CERT_NONE
    tls = Tls(verify=verify, insecure=not context.check_hostname)
    _refuse_unreadable(context)
    authorities = context.get_ca_certs(binary_form=True)
    if authorities:
        pem = (ssl.DER_cert_to_PEM_cert(authority) for authority in authorities)
        tls.ca_pem = "".join(pem).encode("ascii")
    elif verify and not _by_folder():
        raise NotImplementedError(
            "the authorities of this SSLContext cannot be read: give them to tls_set(ca_certs=...)"
        )
    least = context.minimum_version
    if least == ssl.TLSVersion.TLSv1_3:
        tls.version = "tlsv1.3"
    tls.keylog = getattr(context, "keylog_filename", None)
    return tls


def _by_folder() -> bool:
    """Whether OpenSSL has the system's authorities in a folder alone, which it does not list."""
    return ssl.get_default_verify_paths().cafile is None


def _refuse_unreadable(context: Any) -> None:
    if context.maximum_version not in (ssl.TLSVersion.MAXIMUM_SUPPORTED, ssl.TLSVersion.TLSv1_3):
        raise NotImplementedError(
            "an SSLContext that excludes TLS 1.3 cannot be taken over: the library has no upper limit"
        )
    if shows_certificate(context):
        raise NotImplementedError(
            "the client certificate of an SSLContext cannot be read: "
            "use tls_set(certfile=..., keyfile=...)"
        )


def shows_certificate(context: Any) -> bool:
    """Whether a context has a client certificate: asked of it by a handshake in memory."""
    verify_mode, check_hostname = context.verify_mode, context.check_hostname
    asking = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    asking.load_cert_chain(os.path.join(os.path.dirname(__file__), "probe.pem"))
    asking.verify_mode = ssl.CERT_OPTIONAL
    # Nothing is received after this handshake, and it does not leave the process.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
        server = asking.wrap_bio(to_server, to_client, server_side=True)
        client = context.wrap_bio(to_client, to_server)
        for side in (client, server, client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
        return False
    except ssl.SSLCertVerificationError:
        # The server has got one, whose authority it does not know.
        return True
    finally:
        context.verify_mode = verify_mode
        context.check_hostname = check_hostname
