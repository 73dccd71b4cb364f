"""doclife certificates: proof that documents were destroyed, for people who do not run doclife."""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from doclife.cli.options import Json, Limit, Organization, SigningKeys
from doclife.cli.output import size
from doclife.cli.session import Session, session
from doclife.delivery.paper import read_font
from doclife.domain.certificate import INCLUSION_FORMAT, Certificate
from doclife.errors import ConfigurationError
from doclife.lifecycle import certifying, signing
from doclife.lifecycle.auditing import VERIFIER
from doclife.lifecycle.documents import find_document_ids
from doclife.store import certificates

app = typer.Typer(no_args_is_help=True, help="Certificates of destruction.")

Number = Annotated[int, typer.Argument(metavar="NUMBER", help="That of the plan that destroyed.")]


@app.command()
def issue(as_json: Json = False) -> None:
    """Issue those of purges that are done; weekly_cleanup and run_rule do the same."""
    with session(as_json=as_json) as s:
        issued = certifying.issue_certificates(
            s.conn,
            key=signing.read_signing_key(s.connections()),
            stores=s.stores(),
            now=s.now(),
            actor=s.actor,
        )

        def people() -> None:
            s.output.say(
                f"Certificates issued: {', '.join(map(str, issued.plan_ids)) or 'none'}. "
                f"Written into store {certifying.STORE}: {issued.written}."
            )
            if issued.unwritten:
                s.output.say(
                    f"{issued.unwritten} are in the database alone: there is no store "
                    f"{certifying.STORE}."
                )

        s.output.show({"issued": issued}, people=people)


@app.command("list")
def list_(
    before: Annotated[int | None, typer.Option(metavar="NUMBER", help="Only older ones.")] = None,
    limit: Limit = 50,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List certificates, the newest first."""
    with session(as_json=as_json, organization=organization) as s:
        found = certificates.list_page(
            s.conn, organization_id=s.tenant().id, before=before, size=limit
        )
        s.output.show(
            {"certificates": [_summary(one) for one in found]},
            people=lambda: s.output.table(
                ("number", "issued", "documents", "bytes", "not destroyed", "written to"),
                [
                    (
                        one.plan_id,
                        one.issued_at,
                        one.body["documents"],
                        size(one.body["size_bytes"]),
                        one.body["not_destroyed"]["documents"],
                        one.file_uri,
                    )
                    for one in found
                ],
                empty=s.none("No certificates"),
            ),
        )


@app.command()
def show(number: Number, as_json: Json = False) -> None:
    """Show what a certificate says, without the documents that it lists."""
    with session(as_json=as_json) as s:
        found = certifying.find_certificate(s.conn, number)
        s.output.show(_summary(found), people=lambda: _print(s, found))


@app.command()
def export(
    number: Number,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="With all documents, signed.")
    ] = None,
    pdf: Annotated[Path | None, typer.Option("--pdf", metavar="FILE", help="To read.")] = None,
) -> None:
    """Write a certificate into files; existing ones are replaced."""
    if json_file is None and pdf is None:
        raise typer.BadParameter("Say into what: --json FILE, --pdf FILE, or both.")
    with session(as_json=False) as s:
        found = certifying.find_certificate(s.conn, number)
        if json_file is not None:
            with s.conn.transaction():
                _write(json_file, certifying.file_of(s.conn, found))
            s.output.say(f"{json_file}: verify it with: doclife certificates verify {json_file}")
        if pdf is not None:
            with s.conn.transaction():
                _write(pdf, [certifying.pdf_of(s.conn, found, font=read_font(os.environ))])
            s.output.say(f"{pdf}: to read; the signature is over what the JSON says.")


@app.command()
def prove(
    number: Number,
    document: Annotated[
        int | None, typer.Option(metavar="ID", help="Its number in certificates and plans.")
    ] = None,
    external_id: Annotated[
        str | None, typer.Option(help="What the application called it, instead.")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="Where to; else to the terminal.")] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Prove that one document is in a certificate, without showing any other."""
    if (document is None) == (external_id is None):
        raise typer.BadParameter("Name one document: --document NUMBER or --external-id TEXT.")
    with session(as_json=as_json or file is None, organization=organization) as s:
        if external_id is not None:
            [document] = find_document_ids(
                s.conn, organization=s.organization, external_ids=[external_id]
            )
        assert document is not None
        proof = certifying.prove(s.conn, document_id=document)
        certified_by = proof["certificate"]["number"]
        if certified_by != number:
            raise ConfigurationError(
                f"document {document} is in certificate {certified_by}, not in {number}"
            )
        if file is None:
            s.output.show(proof, people=lambda: None)
        else:
            _write(file, [json.dumps(proof, ensure_ascii=False, indent=1).encode()])
            s.output.show(
                {"file": str(file)},
                people=lambda: s.output.say(
                    f"{file}: verify it with: python doclife_verify.py inclusion {file}"
                ),
            )


@app.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A certificate, or the proof of a document.")],
    keys: SigningKeys = None,
    title: Annotated[
        str | None, typer.Option(help="Of a proof: what the document is said to be called.")
    ] = None,
    external_id: Annotated[
        str | None, typer.Option(help="Of a proof: what the application called it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Verify a file by the program that auditors take along; it needs no database.

    Exit code 1: something does not fit, and is named. 2: it is no certificate and no proof.
    """
    options = [("--title", title), ("--external-id", external_id)]
    options += [("--key", key) for key in keys or ()]
    given = [part for name, value in options if value is not None for part in (name, value)]
    kind = "inclusion" if title or external_id or _is_proof(file) else "certificate"
    command = [sys.executable, "-I", "-S", str(VERIFIER), kind, str(file), *given]
    verified = subprocess.run([*command, "--json"] if as_json else command, check=False)
    raise typer.Exit(verified.returncode)


def _is_proof(file: Path) -> bool:
    """Whether a file says that it proves one document; the verifier reads it strictly."""
    try:
        return bool(json.loads(file.read_text())["format"] == INCLUSION_FORMAT)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _write(file: Path, chunks: Iterable[bytes]) -> None:
    with file.open("wb") as stream:
        for chunk in chunks:
            stream.write(chunk)


def _summary(one: Certificate) -> dict[str, Any]:
    return {
        "number": one.plan_id,
        "organization": one.organization,
        "issued_at": one.issued_at,
        "file": one.file_uri,
        "signature": one.signature.hex(),
        "public_key": one.public_key.hex(),
        "certificate": one.body,
    }


def _print(s: Session, one: Certificate) -> None:
    body = one.body
    s.output.facts(
        {
            "certificate": one.plan_id,
            "issued": one.issued_at,
            "documents": body["documents"],
            "bytes": size(body["size_bytes"]),
            "destroyed": f"{body['destroyed_from']} to {body['destroyed_to']}",
            "asked for by": body["plan"]["requested_by"],
            "not destroyed": body["not_destroyed"]["documents"],
            "root": body["tree"]["root"],
            "signed with": body["signing_key"],
            "written to": one.file_uri,
        }
    )
    s.output.heading("Stores")
    s.output.table(
        ("store", "removed", "were gone", "kept for others", "backups expired on"),
        [
            (
                each["store"],
                each["destroyed"],
                each["found_gone"],
                each["kept_because_others_need_them"],
                each["backups_expired_on"] or "nobody said",
            )
            for each in body["stores"]
        ],
        empty="None: no bytes were known of these documents.",
    )
    s.output.heading("Series")
    s.output.table(
        ("type", "from", "to", "rule", "authority", "documents"),
        [
            (
                each["document_type"],
                each["dated_from"],
                each["dated_to"],
                each["rule"],
                each["authority"],
                each["documents"],
            )
            for each in body["series"]
        ],
        empty="None.",
    )
    s.output.say(f"With all documents: doclife certificates export {one.plan_id} --json FILE")
