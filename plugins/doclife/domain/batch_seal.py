"""What somebody looked at before a batch, as a text that a form or a program gives back.

``<last id>-<digest of documents and deed>-<to which of them it would be done>``: the last part is
one bit for each document in their order, packed, so that 100,000 documents take at most 17 kB.
"""

import base64
import binascii
import hashlib
import json
import zlib
from collections.abc import Collection, Sequence

from doclife.domain.batch import BatchRequest

LONGEST_SEAL = 20_000
"""Characters of the seal of the largest batch, with some to spare."""


def seal(
    request: BatchRequest, document_ids: Sequence[int], *, to_do: Collection[int] = frozenset()
) -> str:
    """Return the seal of a preview.

    :param document_ids: the chosen ones, ascending.
    :param to_do: those of them that it would be done to.
    """
    bits = bytearray((len(document_ids) + 7) // 8)
    for place, document_id in enumerate(document_ids):
        if document_id in to_do:
            bits[place // 8] |= 1 << place % 8
    packed = base64.urlsafe_b64encode(zlib.compress(bits)).decode()
    return f"{_beginning(request, document_ids)}-{packed}"


def opened(text: str, request: BatchRequest, document_ids: Sequence[int]) -> frozenset[int] | None:
    """Return the documents to which it would have been done, by the preview that was looked at.

    None when the seal is of other documents, of another request, or none at all.
    """
    beginning = f"{_beginning(request, document_ids)}-"
    if not text.startswith(beginning):
        return None
    length = (len(document_ids) + 7) // 8
    try:
        packed = base64.b64decode(text[len(beginning) :], altchars=b"-_", validate=True)
        # Never more than fits, whatever it claims to unpack to.
        bits = zlib.decompressobj().decompress(packed, length + 1)
    except (ValueError, binascii.Error, zlib.error):
        return None
    if len(bits) != length:
        return None
    return frozenset(
        document_id
        for place, document_id in enumerate(document_ids)
        if bits[place // 8] >> place % 8 & 1
    )


def through_of(text: str) -> int | None:
    """Return the last id of the documents that a seal was made for; None when it is no seal."""
    number = text.partition("-")[0]
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else None


def _beginning(request: BatchRequest, document_ids: Sequence[int]) -> str:
    said = [request.deed, request.matter, request.settings, *document_ids]
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    return f"{document_ids[-1] if document_ids else 0}-{digest[:32]}"
