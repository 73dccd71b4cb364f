"""What every call over libcurl has in common."""

import ssl
from collections.abc import Sequence
from typing import Any

import pycurl

from doclife.delivery.guard import CONNECT_TIMEOUT_SECONDS, USER_AGENT, Guard

IDLE_SECONDS = 15
"""How long a connection is used again after a call; many servers close theirs after a minute."""


def new_handle(guard: Guard, names: Sequence[str]) -> Any:
    """Return a handle that makes one call after another, with all that they have in common.

    :param names: what DNS is not asked for, ``HOST:PORT:ADDRESS`` each; for tests.
    """
    trust = ssl.get_default_verify_paths()
    curl = pycurl.Curl()
    for option, value in (
        (pycurl.PROTOCOLS, pycurl.PROTO_HTTPS | _unencrypted(guard)),
        (pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_1_1),
        (pycurl.HTTP09_ALLOWED, 0),
        (pycurl.HTTP_CONTENT_DECODING, 0),
        (pycurl.FOLLOWLOCATION, 0),
        (pycurl.PROXY, ""),
        (pycurl.NOPROXY, "*"),
        (pycurl.USERAGENT, USER_AGENT),
        (pycurl.NOSIGNAL, 1),
        (pycurl.CONNECTTIMEOUT, CONNECT_TIMEOUT_SECONDS),
        (pycurl.DNS_CACHE_TIMEOUT, 10),
        (pycurl.MAXAGE_CONN, IDLE_SECONDS),
        (pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2),
        (pycurl.SSL_VERIFYPEER, 1),
        (pycurl.SSL_VERIFYHOST, 2),
    ):
        curl.setopt(option, value)
    # Those of Python's ssl, SSL_CERT_FILE included: the package of libcurl brings none along.
    for option, path in (
        (pycurl.CAINFO, trust.cafile),
        (pycurl.CAPATH, trust.capath),
    ):
        if path:
            curl.setopt(option, path)
        elif trust.cafile or trust.capath:
            curl.unsetopt(option)
    if names:
        curl.setopt(pycurl.RESOLVE, list(names))
    return curl


def _unencrypted(guard: Guard) -> int:
    """Return what may be spoken beside HTTPS: also a key in a service's own address stays in."""
    return int(pycurl.PROTO_HTTP) if guard.allows_http else 0
