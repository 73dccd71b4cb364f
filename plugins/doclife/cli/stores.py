"""doclife stores: where the bytes are, and whether they are ours to change."""

import csv
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import Annotated

import typer

from doclife.cli import logins
from doclife.cli.options import Json, Organization, Yes
from doclife.cli.output import FAILED, printable, size, warn
from doclife.cli.session import Session, confirm, session
from doclife.lifecycle.stores import (
    StoreStatus,
    adopt_stores,
    describe_stores,
    register_store,
    set_backup_expiry,
)
from doclife.lifecycle.stray_bags import StrayPayload, Unread, list_stray_payloads

app = typer.Typer(no_args_is_help=True, help="Folders and buckets that hold the bytes.")

app.command("give")(logins.give_store)

MARKERS = {
    "ours": "ours",
    "foreign": "another deployment's: read-only",
    "absent": "no marker: read-only",
    "unreachable": "unreachable",
}


@app.command("list")
def list_(as_json: Json = False) -> None:
    """List the stores, and look at each one's marker now."""
    with session(as_json=as_json) as s:
        found = describe_stores(s.conn, options=s.credentials())
        s.output.show({"stores": found}, people=lambda: print_stores(s, found))


@app.command()
def register(
    name: Annotated[str, typer.Argument(help="Rules name it, e.g. archive.")],
    root: Annotated[str, typer.Argument(metavar="PATH_OR_URI", help="Folder or s3://...")],
    connection: Annotated[
        str | None, typer.Option(help="Airflow connection id with the credentials of the bucket.")
    ] = None,
    cold: Annotated[
        bool, typer.Option("--cold", help="Its bytes cannot be read at once (Glacier and alike).")
    ] = False,
    as_json: Json = False,
) -> None:
    """Register a folder or bucket, and mark it as this deployment's."""
    with session(as_json=as_json) as s:
        registered = register_store(
            s.conn,
            name=name,
            root=root,
            connection_id=connection,
            now=s.now(),
            actor=s.actor,
            options=s.credentials(),
            is_cold=cold,
        )
        record = registered.store.record
        document = {
            "name": record.name,
            "root_uri": record.root_uri,
            "is_cold": record.is_cold,
            "is_new": registered.is_new,
            "is_writable": registered.is_writable,
            "detail": registered.detail,
        }

        def people() -> None:
            was = "is registered" if registered.is_new else "was registered before"
            s.output.say(f"Store {record.name} at {record.root_uri} {was}.")
            if registered.detail is not None:
                s.output.say(f"It is read-only: {printable(registered.detail)}", style="yellow")

        s.output.show(document, people=people)


@app.command()
def adopt(
    names: Annotated[list[str], typer.Argument(metavar="NAME...")],
    yes: Yes = False,
    as_json: Json = False,
) -> None:
    """Put our marker on a store, over whatever is there: from then on we may remove bytes in it."""
    with session(as_json=as_json) as s:
        confirm(
            f"From now on this deployment may remove bytes in {', '.join(names)}, and the one that "
            "did before may not. Is that meant?",
            yes=yes,
        )
        adopted = adopt_stores(
            s.conn, names=names, now=s.now(), actor=s.actor, options=s.credentials()
        )
        s.output.show({"stores": adopted}, people=lambda: print_stores(s, adopted))


@app.command("stray-bags")
def stray_bags(
    manifest: Annotated[
        Path | None,
        typer.Option(
            dir_okay=False,
            help="Write a CSV of documents that are nowhere else, for doclife documents import.",
        ),
    ] = None,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List the archive bags that the catalogue does not know, as after a restore; changes nothing.

    All of the organization's folder in each store is listed. A document whose original is gone has
    its bytes there alone, and comes back by importing the manifest. Exit code 1 when something
    could not be looked into.
    """
    with session(as_json=as_json, organization=organization) as s:
        listed = list(list_stray_payloads(s.conn, s.tenant(), stores=s.stores()))
        found = [one for one in listed if isinstance(one, StrayPayload)]
        unread = [one for one in listed if isinstance(one, Unread)]
        # Each once: an import takes no document that a manifest names twice.
        lost = list({one.external_id: one for one in found if one.is_only_copy}.values())
        if manifest is not None:
            _write_manifest(manifest, lost)
        s.output.show(
            {"payloads": found, "unread": unread}, people=lambda: _print_strays(s, found, lost)
        )
        for one in unread:
            warn(f"Not looked into: {one.place}: {one.why}")
        if unread:
            raise typer.Exit(FAILED)


def _write_manifest(file: Path, lost: Sequence[StrayPayload]) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        lines = csv.writer(stream)
        # Without its day an import would take that of the bag's file, and clocks begin anew.
        lines.writerow(("uri", "external_id", "modified_on"))
        lines.writerows((one.uri, one.external_id, one.modified_on) for one in lost)


def _print_strays(s: Session, found: Sequence[StrayPayload], lost: Sequence[StrayPayload]) -> None:
    s.output.table(
        ("bag", "documents", "only there", "unknown"),
        [
            (
                bag,
                len(within),
                sum(one.is_only_copy for one in within),
                sum(one.external_id is None for one in within),
            )
            for bag, each in groupby(found, key=lambda one: one.bag)
            for within in [list(each)]
        ],
        empty=s.none("No bag that the catalogue does not know"),
    )
    if lost:
        s.output.say(
            "\nBring back what is only there: doclife stores stray-bags --manifest lost.csv, then "
            f"doclife documents import lost.csv -o {s.organization}"
        )


@app.command()
def backups(
    name: Annotated[str, typer.Argument(help="The store.")],
    expire_after_days: Annotated[
        int | None, typer.Option(min=0, help="Days; without it nobody knows.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Say how long backups of a store keep what was removed from it; certificates name the day."""
    with session(as_json=as_json) as s:
        set_backup_expiry(
            s.conn,
            name=name,
            days=expire_after_days,
            now=s.now(),
            actor=s.actor,
            options=s.credentials(),
        )
        said = "is not known" if expire_after_days is None else f"is {expire_after_days} days"
        s.output.show(
            {"store": name, "backup_expires_after_days": expire_after_days},
            people=lambda: s.output.say(f"How long backups of {name} keep removed bytes {said}."),
        )


def print_stores(s: Session, found: Sequence[StoreStatus]) -> None:
    """Print stores as a table."""
    s.output.table(
        ("store", "root", "marker", "objects", "size", "detail"),
        [
            (
                one.name,
                one.root_uri,
                MARKERS.get(str(one.marker), str(one.marker)),
                one.objects,
                size(one.size_bytes),
                one.detail,
            )
            for one in found
        ],
        empty="No store is registered. Importing a folder registers it as one.",
    )
