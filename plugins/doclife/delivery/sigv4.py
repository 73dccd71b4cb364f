"""Signature Version 4 of AWS for one request, in the standard library.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html. The
tests compare it with botocore's; aiobotocore would bring sessions and sockets past the guard.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsKey:
    """Who signs, and what for."""

    access_key: str
    secret_key: str = field(repr=False)
    session_token: str | None = field(default=None, repr=False)
    region: str
    service: str


def signed_headers(
    key: AwsKey,
    *,
    method: str,
    url: str,
    headers: Mapping[str, str],
    body: bytes,
    now: datetime,
) -> dict[str, str]:
    """Return the headers of a request with those that sign it.

    :param url: without a query; none is signed.
    :param headers: each is signed; ``Host`` is added.
    :param now: UTC; AWS refuses a clock that is 5 minutes off.
    """
    address = urlsplit(url)
    stamp = now.strftime("%Y%m%dT%H%M%SZ")
    sent = {name.lower(): " ".join(value.split()) for name, value in headers.items()}
    sent |= {"host": address.netloc, "x-amz-date": stamp}
    if key.session_token is not None:
        sent["x-amz-security-token"] = key.session_token
    names = ";".join(sorted(sent))
    request = "\n".join(
        [
            method,
            quote(address.path or "/", "/-_.~"),
            "",
            *(f"{name}:{sent[name]}" for name in sorted(sent)),
            "",
            names,
            hashlib.sha256(body).hexdigest(),
        ]
    )
    scope = f"{stamp[:8]}/{key.region}/{key.service}/aws4_request"
    to_sign = "\n".join([ALGORITHM, stamp, scope, hashlib.sha256(request.encode()).hexdigest()])
    signature = hmac.digest(_derived(key, scope), to_sign.encode(), "sha256").hex()
    sent["authorization"] = (
        f"{ALGORITHM} Credential={key.access_key}/{scope}, SignedHeaders={names}, "
        f"Signature={signature}"
    )
    return sent


def _derived(key: AwsKey, scope: str) -> bytes:
    derived = f"AWS4{key.secret_key}".encode()
    for part in scope.split("/"):
        derived = hmac.digest(derived, part.encode(), "sha256")
    return derived
