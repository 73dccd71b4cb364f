"""``/certificates`` of the JSON API: certificates of destruction, their files, and proofs."""

from datetime import datetime
from typing import Any, Literal

from fastapi import APIRouter, HTTPException, Response
from pydantic import BaseModel, Field

from doclife.dashboard import certificates as files
from doclife.dashboard.api.asking import Cursor, Limit
from doclife.dashboard.documents.showing import find as find_document
from doclife.dashboard.paging import PAGE_ROWS, page_of, read_id
from doclife.dashboard.visit import Here
from doclife.domain.certificate import Certificate
from doclife.store import certificates

router = APIRouter(tags=["certificates"])

FILE: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file.",
        "content": {
            "application/json": {"schema": {"type": "string"}},
            "application/pdf": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


class CertificateBody(BaseModel):
    """A certificate without the documents that it lists."""

    number: int = Field(description="That of the plan that destroyed.")
    issued_at: datetime
    certificate: dict[str, Any] = Field(description="What is signed.")
    signature: str = Field(description="Ed25519, in hexadecimal, over the canonical JSON.")
    public_key: str
    file: str | None = Field(description="Where it was written to outside of the database.")


class CertificatesPage(BaseModel):
    """A page of certificates, the newest first."""

    items: list[CertificateBody]
    next_cursor: str | None


@router.get("/certificates")
def list_all(here: Here, cursor: Cursor = "", limit: Limit = PAGE_ROWS) -> CertificatesPage:
    """List the certificates of the organization, the newest first."""
    rows = certificates.list_page(
        here.conn, organization_id=here.tenant.id, before=read_id(cursor), size=limit + 1
    )
    page = page_of(rows, limit=limit, key=lambda row: row.plan_id, cursor=cursor)
    return CertificatesPage(items=[_body(row) for row in page.rows], next_cursor=page.next_cursor)


@router.get("/certificates/{number}")
def show(here: Here, number: int) -> CertificateBody:
    """Return one certificate."""
    return _body(files.found(here, number))


@router.get("/certificates/{number}/proof/{document_id}")
def prove(here: Here, number: int, document_id: int) -> dict[str, Any]:
    """Return the proof that a document is in a certificate; it shows no other."""
    files.found(here, number)
    find_document(here, document_id)
    proof: dict[str, Any] = files.proof_of(here, document_id)
    if proof["certificate"]["number"] != number:
        raise HTTPException(404, f"Document {document_id} is not in certificate {number}")
    return proof


@router.get("/certificates/{number}/{kind}", response_class=Response, responses=FILE)
def download(here: Here, number: int, kind: Literal["file", "pdf"]) -> Response:
    """Return a certificate with all that it lists, or to read."""
    return files.file_of(here, files.found(here, number), kind)


def _body(one: Certificate) -> CertificateBody:
    return CertificateBody(
        number=one.plan_id,
        issued_at=one.issued_at,
        certificate=one.body,
        signature=one.signature.hex(),
        public_key=one.public_key.hex(),
        file=one.file_uri,
    )
