"""doclife audit: who did what, and the proof that nobody changed it afterwards."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, TextIO

import typer

from doclife.cli.options import Json, Organization, SigningKeys
from doclife.cli.output import FAILED, counted, printable
from doclife.cli.session import Session, session
from doclife.lifecycle import signing
from doclife.lifecycle.audit_heads import sign_heads
from doclife.lifecycle.auditing import (
    Verification,
    export_chain,
    head_record,
    verifier_text,
    verify_chain,
)
from doclife.store import audit_chain

app = typer.Typer(no_args_is_help=True, help="The audit chain: verify, export, sign.")


@app.command()
def verify(
    heads: Annotated[
        Path | None,
        typer.Option(exists=True, help="Folder of heads that left earlier, or one of them."),
    ] = None,
    keys: SigningKeys = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Find what was edited, removed, inserted, reordered or cut off; exit code 1 if anything."""
    with session(as_json=as_json, organization=organization) as s:
        found = verify_chain(s.conn, s.tenant(), heads=heads, keys=keys or (), now=s.now())
        s.output.show({"verification": found}, people=lambda: _print(s, found))
    if not found.fits:
        raise typer.Exit(FAILED)


@app.command()
def export(
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to; else to the terminal.")
    ] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Write the whole chain as JSON lines, with the exact texts that were hashed.

    Verify it anywhere with: python doclife_verify.py audit FILE
    """
    with session(as_json=as_json, organization=organization) as s:
        with _written(out) as file:
            for record in export_chain(s.conn, s.tenant(), now=s.now()):
                file.write(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n")
        if out is not None:
            s.output.show(
                {"file": str(out)},
                people=lambda: s.output.say(
                    f"{out}: verify it with: python doclife_verify.py audit {out}"
                ),
            )


@app.command()
def verifier(as_json: Json = False) -> None:
    """Print the verifier, one Python file that an auditor takes along."""
    text = verifier_text()
    sys.stdout.write(json.dumps({"program": text}) + "\n" if as_json else text)


@app.command()
def heads(
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", file_okay=False, help="Also write each into a file."),
    ] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List the signed heads of the chain, the newest first."""
    with session(as_json=as_json, organization=organization) as s:
        found = audit_chain.list_heads(s.conn, s.tenant().id)
        if out is not None:
            out.mkdir(parents=True, exist_ok=True)
            for one in found:
                name = f"{s.organization}-{one.sequence}-{one.key_fingerprint[:8]}.json"
                text = json.dumps(head_record(one), indent=2) + "\n"
                (out / name).write_text(text, encoding="utf-8")
        s.output.show(
            {
                "heads": [
                    {
                        "sequence": one.sequence,
                        "hash": one.hash.hex(),
                        "signed_at": one.signed_at,
                        "signing_key": one.key_fingerprint,
                        "file": one.file_uri,
                    }
                    for one in found
                ]
            },
            people=lambda: s.output.table(
                ("batch", "hash", "signed", "signing key", "written to"),
                [
                    (
                        one.sequence,
                        one.hash.hex(),
                        one.signed_at,
                        one.key_fingerprint[:16],
                        one.file_uri,
                    )
                    for one in found
                ],
                empty=s.none("No signed heads"),
            ),
        )


@app.command()
def sign(as_json: Json = False) -> None:
    """Sign the heads of all chains now; check_expired_documents does so every night."""
    with session(as_json=as_json) as s:
        done = sign_heads(
            s.conn,
            key=signing.require_signing_key(s.connections()),
            stores=s.stores(),
            now=s.now(),
            actor=s.actor,
        )
        s.output.show(
            {"signed": done},
            people=lambda: s.output.say(
                f"{counted(done.signed, 'head')} signed, {done.written} written into the archive "
                "store."
            ),
        )


@contextmanager
def _written(path: Path | None) -> Iterator[TextIO]:
    """Open a file that is there whole or not at all, or the terminal."""
    if path is None:
        yield sys.stdout
        return
    part = path.with_name(f"{path.name}.part")
    try:
        with part.open("w", encoding="utf-8") as file:
            yield file
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _print(s: Session, found: Verification) -> None:
    for one in found.findings:
        s.output.say(printable(f"{one.kind}: {one.what}"), style="red")
    for note in found.notes:
        s.output.say(note, style="yellow")
    if found.erased:
        s.output.say(f"Erased, by record: {len(found.erased):,}")
    s.output.say(
        f"Organization {s.organization}: {found.entries:,} entries in {found.batches:,} batches, "
        f"{counted(found.heads, 'signed head')}. "
        + ("All of it fits." if found.fits else "It does not fit."),
        style="green" if found.fits else "red",
    )
