"""What libcurl's codes of failure mean, and how people are told."""

import pycurl

from doclife.delivery.guard import ALLOW_HTTP

_UNTRUSTED = frozenset(
    {
        pycurl.E_PEER_FAILED_VERIFICATION,
        pycurl.E_SSL_CACERT_BADFILE,
        pycurl.E_SSL_ISSUER_ERROR,
    }
)
UNENCRYPTED = frozenset({pycurl.E_SSL_CONNECT_ERROR, pycurl.E_SSL_CIPHER, *_UNTRUSTED})
_NOT_HTTP = frozenset({pycurl.E_UNSUPPORTED_PROTOCOL, pycurl.E_FTP_WEIRD_SERVER_REPLY})
_UNWRITABLE = frozenset({pycurl.E_URL_MALFORMAT, pycurl.E_BAD_FUNCTION_ARGUMENT})


def in_words(code: int, *, is_sent: bool) -> str:
    """Say what happened without an address: the names behind a host may be nobody's business."""
    if code == pycurl.E_COULDNT_RESOLVE_HOST:
        return "the host is not known to DNS"
    if code in _UNTRUSTED:
        return "the certificate of the host is not trusted"
    if code in UNENCRYPTED:
        return "no encrypted connection could be made"
    if code == pycurl.E_OPERATION_TIMEDOUT:
        return "no answer within the time-out" if is_sent else "no connection within the time-out"
    if code in _UNWRITABLE:
        return "the request cannot be written"
    if code == pycurl.E_UNSUPPORTED_PROTOCOL and not is_sent:
        return f"only https is spoken, and http where an operator sets {ALLOW_HTTP}=true"
    if code in _NOT_HTTP:
        return "the answer is not HTTP"
    if not is_sent:
        return "the connection was refused or cannot be made"
    return "the connection was closed without an answer"
