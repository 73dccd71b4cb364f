"""One spelling per object: ``file:///srv/documents/a%20b.pdf`` and ``s3://bucket/key``.

A local path is bytes, so everything but unreserved ASCII is percent-encoded and can be turned
back into exactly the same bytes, names that are not UTF-8 or hold newlines included. An S3 key is
text, and every S3 tool writes it raw; so do we.
"""

import os
from functools import lru_cache
from urllib.parse import quote_from_bytes, unquote_to_bytes

from doclife.errors import ConfigurationError

_UNENCODED = "/-._~!$&'()*+,;=:@"
"""What RFC 3986 section 3.3 allows in a path; letters and digits always stay."""


def normalised(text: str) -> str:
    """Return the one spelling of what a person wrote: a path, ``file://`` or ``s3://`` URI.

    Relative paths count from the current folder; ``.``, ``..`` and doubled slashes are resolved
    by name, symbolic links are not. A trailing slash goes.

    :raises ConfigurationError: the scheme is not one of ours, or a part is missing.
    """
    scheme, separator, rest = text.partition("://")
    if not separator:
        return of_path(text)
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not slash:
            raise ConfigurationError(f"{text!r} is not a local file: write file:///absolute/path.")
        return of_path(os.fsdecode(unquote_to_bytes("/" + path)))
    if scheme == "s3":
        bucket, _, key = rest.partition("/")
        if not bucket:
            raise ConfigurationError(f"{text!r} names no bucket: write s3://bucket/prefix.")
        return f"s3://{bucket}/{key}".rstrip("/")
    raise ConfigurationError(
        f"{text!r}: stores of kind {scheme!r} are not known. Use a folder or s3://bucket/prefix."
    )


def of_path(path: str) -> str:
    """Return the URI of a local path as ``os`` gives it (``surrogateescape`` for odd bytes)."""
    if "\0" in path or not path:
        raise ConfigurationError(f"{path!r} is no path.")
    absolute = os.path.abspath(path)  # noqa: PTH100 - pathlib would resolve less
    # normpath keeps a double slash at the start, which POSIX lets mean something else.
    return "file://" + quote_from_bytes(os.fsencode("/" + absolute.lstrip("/")), _UNENCODED)


@lru_cache(maxsize=4096)  # asked several times in a row for each file
def local_path(uri: str) -> str:
    """Return the path of a ``file://`` URI, ready for ``os``."""
    if not uri.startswith("file:///"):
        raise ConfigurationError(f"{uri!r} is not a local file.")
    return os.fsdecode(unquote_to_bytes(uri[len("file://") :]))


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Return the two parts of an ``s3://`` URI; the key of a whole bucket is empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def scheme_of(uri: str) -> str:
    """Return ``file`` or ``s3``."""
    return uri[: uri.index("://")]


def joined(root_uri: str, *names: str) -> str:
    """Return the URI of something below ``root_uri``; each name is one plain segment.

    :raises ConfigurationError: a name is empty, ``.``, ``..`` or holds a slash: it could lead
        out of the store.
    """
    for name in names:
        if name in ("", ".", "..") or "/" in name or "\0" in name:
            raise ConfigurationError(f"{name!r} cannot be part of a path in a store.")
    if scheme_of(root_uri) == "file":
        names = tuple(quote_from_bytes(os.fsencode(name), _UNENCODED) for name in names)
    return "/".join((root_uri.rstrip("/"), *names))


def is_within(uri: str, *, root_uri: str) -> bool:
    """Tell whether ``uri`` is ``root_uri`` or lies below it."""
    return uri == root_uri or uri.startswith(root_uri.rstrip("/") + "/")


def parent(uri: str) -> str:
    """Return the folder that holds ``uri``."""
    return uri.rpartition("/")[0]


def file_name(uri: str) -> str:
    """Return the last segment as it is called in its store."""
    place = local_path(uri) if uri.startswith("file://") else uri
    return place.rpartition("/")[2]


def escaped(text: str) -> str:
    """Return a path as one line from which it can be had back: ``urllib.parse.unquote_to_bytes``.

    Percent signs, control characters and bytes that are not UTF-8 are percent-encoded.
    """
    if "%" not in text and text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable() and character != "%"
        else quote_from_bytes(character.encode("utf-8", "surrogateescape"), safe="")
        for character in text
    )


def printable(text: str) -> str:
    """Return a name as one line of valid text, for titles and messages.

    Bytes that are not UTF-8 and control characters become the replacement character.
    """
    if text.isprintable():
        return text
    return "".join(
        character if character.isprintable() or character == " " else "\N{REPLACEMENT CHARACTER}"
        for character in text
    )
