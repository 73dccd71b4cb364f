"""Certificates of destruction as files: what is signed, on paper, and the proof of one document."""

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from typing import BinaryIO

from fastapi import APIRouter, HTTPException, Response
from fastapi.responses import StreamingResponse

from doclife.dashboard.documents.showing import find as find_document
from doclife.dashboard.visit import Here, Visit
from doclife.delivery.paper import read_font
from doclife.domain.certificate import Certificate
from doclife.errors import ConfigurationError
from doclife.lifecycle import certifying
from doclife.store import certificates

router = APIRouter()

SENT_AT_ONCE = 256 * 1024


@router.get("/certificates/{plan_id}/{kind}")
def download(here: Here, plan_id: int, kind: str) -> Response:
    """Hand out a certificate: ``file`` with all that it lists, ``pdf`` to read."""
    return file_of(here, found(here, plan_id), kind)


@router.get("/documents/{document_id}/proof")
def prove(here: Here, document_id: int) -> Response:
    """Hand out the proof that a document was destroyed, which shows no other."""
    find_document(here, document_id)
    name = f"{here.tenant.slug}_document_{document_id}_proof.json"
    content = json.dumps(proof_of(here, document_id), ensure_ascii=False, indent=1)
    return _sent(content.encode(), name, media_type="application/json")


def found(here: Visit, plan_id: int) -> Certificate:
    """Return a certificate of the organization that the person looks at.

    :raises HTTPException: 404, it has none such.
    """
    certificate = certificates.find(here.conn, plan_id) if 0 < plan_id < 2**63 else None
    if certificate is None or certificate.organization != here.tenant.slug:
        raise HTTPException(404, f"There is no certificate {plan_id} here")
    return certificate


def proof_of(here: Visit, document_id: int) -> dict[str, object]:
    """Return the proof that a document of this organization was destroyed.

    :raises HTTPException: 404, no certificate lists it.
    """
    try:
        return certifying.prove(here.conn, document_id=document_id)
    except ConfigurationError as error:
        raise HTTPException(404, str(error)) from error


def file_of(here: Visit, certificate: Certificate, kind: str) -> Response:
    """Return what sends one file of a certificate.

    :raises HTTPException: 404, there is no such file.
    """
    name = f"{here.tenant.slug}_certificate_{certificate.plan_id}"
    if kind == "pdf":
        with here.conn.transaction():
            pdf = certifying.pdf_of(here.conn, certificate, font=read_font(os.environ))
        return _sent(pdf, f"{name}.pdf", media_type="application/pdf")
    if kind != "file":
        raise HTTPException(404, f"A certificate has a file and a pdf, and no {kind}")
    # On disk before it is sent, because the connection is somebody else's by then.
    with ExitStack() as opened:
        content = opened.enter_context(tempfile.TemporaryFile())
        with here.conn.transaction():
            content.writelines(certifying.file_of(here.conn, certificate))
        opened.pop_all()  # from here on whoever sends it closes it
    return StreamingResponse(
        _chunks(content),
        media_type="application/json",
        headers=_headers(f"{name}.json"),
    )


def _chunks(content: BinaryIO) -> Iterator[bytes]:
    with content:
        content.seek(0)
        while chunk := content.read(SENT_AT_ONCE):
            yield chunk


def _sent(content: bytes, name: str, *, media_type: str) -> Response:
    return Response(content, media_type=media_type, headers=_headers(name))


def _headers(name: str) -> dict[str, str]:
    return {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Content-Security-Policy": "sandbox",
    }
