"""What a purged document is called: of its own names nothing is left."""

PREFIX = "purged:"
"""Begins the external id of a tombstone; a digest of the id that it had follows."""


def name_of(external_id: str, document_id: int | None) -> str:
    """Return what people read for an external id: the number, where only a digest is left."""
    if document_id is not None and external_id.startswith(PREFIX):
        return f"#{document_id}"
    return external_id
