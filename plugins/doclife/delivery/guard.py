"""Keeps what goes out from reaching inside: one check of addresses for save, test and delivery.

A URL that a person typed may name, or resolve to, a machine that only we can reach: a database, a
router, the cloud's metadata service with our own keys. The control sits where a socket is made:
after DNS, for literals, for every address tried; the socket connects to exactly the address that
was checked, so that a name that answers differently the second time gains nothing. The check of
the text is for people, who learn early and in words what is wrong.
"""

import asyncio
import ipaddress
import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from yarl import URL

from doclife.errors import ConfigurationError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

ALLOWED_NETWORKS = "DOCLIFE_ALLOWED_NETWORKS"
ALLOW_HTTP = "DOCLIFE_ALLOW_HTTP"
MAX_URL_LENGTH = 2048
CONNECT_TIMEOUT_SECONDS = 10
USER_AGENT = "doclife"


def _networks(*texts: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(text) for text in texts)


_NOT_PUBLIC = _networks(
    # ipaddress.is_global is not enough: some Python in use calls each of these global.
    "192.0.0.0/24",  # IETF assignments; Oracle's metadata service is 192.0.0.192
    "192.88.99.0/24",  # 6to4 relays
    "168.63.129.16/32",  # Azure's WireServer, behind an address that looks public
    "::/96",  # IPv4-compatible
    "::ffff:0:0:0/96",  # IPv4-translated
    "64:ff9b::/96",  # NAT64: an IPv4 address in other clothes
    "64:ff9b:1::/48",
    "2001::/23",  # IETF assignments, Teredo, ORCHID
    "2002::/16",  # 6to4
    "3fff::/20",  # documentation
    "5f00::/16",  # segment routing
    "fec0::/10",  # site-local
    "100::/64",  # discard
)
_UNICAST = ipaddress.IPv6Network("2000::/3")  # all that IANA gave out for the public IPv6
_PRIVATE = _networks(
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "::1/128",
    "fc00::/7",
)
_METADATA = _networks("100.100.100.200/32", "fd00:ec2::254/128")  # Alibaba's, Amazon's over IPv6
_LOCAL_SUFFIXES = (".localhost", ".local", ".internal", ".localdomain")
_HINT = f"An operator can allow a network of their own with {ALLOWED_NETWORKS}"


REFUSED_ADDRESS = f"the address is not a public one. {_HINT}"
"""Why a connection was not made. Says nothing of the address: it may be an inner one."""


class RefusedUrl(ConfigurationError):
    """A URL that nothing may be sent to; the message says why and who can change it."""


def is_public(address: Address) -> bool:
    """Whether an address belongs to the public internet, however it is spelled."""
    if isinstance(address, IPv6Address):
        if address.scope_id:
            return False
        if address.ipv4_mapped is not None:
            return is_public(address.ipv4_mapped)
        if address not in _UNICAST:
            return False
    return (
        address.is_global
        and not address.is_multicast
        and not address.is_reserved
        and not _is_in(address, _NOT_PUBLIC)
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Guard:
    """What may be called beyond the public internet, in two tiers.

    :param allowed: networks that an operator named. A private address is let through when one of
        them covers it; metadata services, link-local and all other special addresses only when
        they are named one by one (``/32``, ``/128``): ``10.0.0.0/8`` is meant, ``0.0.0.0/0`` opens
        no metadata service.
    :param allows_http: whether calls may be unencrypted.
    """

    allowed: tuple[Network, ...] = ()
    allows_http: bool = False

    def permits(self, address: Address) -> bool:
        """Whether a connection to this address may be made."""
        if is_public(address):
            return True
        if isinstance(address, IPv6Address):
            if address.scope_id:
                return False
            if address.ipv4_mapped is not None:
                return self.permits(address.ipv4_mapped)
        covering = [
            network
            for network in self.allowed
            if network.version == address.version and address in network
        ]
        if _is_in(address, _PRIVATE) and not _is_in(address, _METADATA):
            return bool(covering)
        return any(network.prefixlen == network.max_prefixlen for network in covering)

    def check_url(self, text: str) -> URL:
        """Return the URL when its text gives no reason to refuse it. Looks nothing up.

        :raises RefusedUrl: a wrong scheme, user or password in it, odd spellings of numbers, local
            names, addresses that are not permitted.
        """
        url, host = _parse(text)
        schemes = ("https", "http") if self.allows_http else ("https",)
        if url.scheme not in schemes:
            is_http = url.scheme == "http"
            raise RefusedUrl(
                f"the URL begins with {url.scheme!r} instead of https"
                + (f". An operator can permit http with {ALLOW_HTTP}=true" if is_http else "")
            )
        bare = host.rstrip(".").lower()
        if not self.allowed and (bare == "localhost" or bare.endswith(_LOCAL_SUFFIXES)):
            raise RefusedUrl(f"{host!r} is a local name. {_HINT}")
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            return url
        if not self.permits(literal):
            raise RefusedUrl(f"{host} is not a public address. {_HINT}")
        return url

    async def check_host(self, url: URL) -> str | None:
        """Look the host up; return why it cannot be called now, or None.

        :raises RefusedUrl: it is there, and every address of it is one that is not permitted.
        """
        host, port = url.raw_host or "", url.port
        try:
            found = await asyncio.get_running_loop().getaddrinfo(
                host, port, type=socket.SOCK_STREAM
            )
        except OSError:
            return f"{host!r} is not known to DNS at present"
        if not any(self.permits_text(str(sockaddr[0])) for *_, sockaddr in found):
            raise RefusedUrl(f"{host!r} has no public address. {_HINT}")
        return None

    def permits_text(self, text: str) -> bool:
        """Whether a connection may be made to what stands for an address; False if none does."""
        try:
            return self.permits(ipaddress.ip_address(text))
        except ValueError:
            return False


def read_networks(text: str) -> tuple[Network, ...]:
    """Read ``10.0.0.0/8, 192.168.7.7``: networks and addresses with commas between.

    :raises ConfigurationError: one of them is neither.
    """
    parts = [part.strip() for part in text.split(",") if part.strip()]
    try:
        return tuple(ipaddress.ip_network(part) for part in parts)
    except ValueError as error:
        raise ConfigurationError(
            f"{ALLOWED_NETWORKS} is no list of networks: {error}. "
            "Write for example 10.20.0.0/16, 192.168.7.7"
        ) from None


def _parse(text: str) -> tuple[URL, str]:
    if len(text) > MAX_URL_LENGTH:
        raise RefusedUrl(f"the URL is longer than {MAX_URL_LENGTH} characters")
    if any(letter <= " " or letter in "\\\x7f" for letter in text):
        raise RefusedUrl("the URL has a space, a backslash or a control character in it")
    try:
        url = URL(text)
        host, port = url.raw_host, url.port
    except (ValueError, UnicodeError):
        raise RefusedUrl("this is no URL: write for example https://example.com/hook") from None
    # From the raw text: yarl drops an empty user without a word.
    authority = re.split(r"[/?#]", text.partition("//")[2], maxsplit=1)[0]
    if "@" in authority:
        raise RefusedUrl("the URL has a user in it; secrets belong into the Airflow Connection")
    if not host or not url.scheme or "%" in authority:
        raise RefusedUrl("the URL names no host: write for example https://example.com/hook")
    if not port:
        raise RefusedUrl("the URL names no port that can be called")
    if _is_odd_number(host):
        raise RefusedUrl(f"{host!r} is an odd spelling of a number; write four parts of 0 to 255")
    return url, host


def _is_odd_number(host: str) -> bool:
    """Whether some program takes the host for an IPv4 address that is not spelled as one."""
    last = host.rstrip(".").rsplit(".", 1)[-1].lower()
    if ":" in host or not (last.isdigit() or last.startswith("0x")):
        return False
    try:
        IPv4Address(host)
    except ValueError:
        return True
    return False


def _is_in(address: Address, networks: Iterable[Network]) -> bool:
    return any(address.version == network.version and address in network for network in networks)
