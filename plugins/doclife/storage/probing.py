"""Tries whether a store takes, gives back and removes bytes."""

from doclife.storage import uris
from doclife.storage.local import TEMPORARY_PREFIX
from doclife.storage.reading import explained
from doclife.storage.stores import Store

CONTENT = b"doclife writes this to see whether it can, and removes it.\n"


def probe(store: Store, *, token: str) -> str | None:
    """Write a small file into a store, read it and remove it; None when all of it went well.

    In a bucket that keeps versions the one that was written is removed, not hidden. Killed, it
    leaves a file whose name says that it is nobody's document.

    :param token: makes the name one that nobody else has.
    :returns: what did not work, in a few words.
    """
    filesystem = store.filesystem
    uri = uris.joined(store.record.root_uri, f"{TEMPORARY_PREFIX}probe-{token}")
    what = "written"
    try:
        written = filesystem.create(uri, [CONTENT])
        what = "read"
        found, stream = filesystem.open(uri, version_id=written.version_id)
        with stream:
            content = stream.read()
        what = "removed"
        filesystem.remove(uri, etag=found.etag, version_id=found.version_id)
    except OSError as error:
        return f"a file cannot be {what} in it: {explained(error)}"
    if content != CONTENT:
        return "what was written into it is not what is read from it"
    try:
        filesystem.stat(uri, version_id=found.version_id)
    except FileNotFoundError:
        return None
    except OSError as error:
        return f"it does not say whether a file was removed: {explained(error)}"
    return "a file that was removed from it is still there"
