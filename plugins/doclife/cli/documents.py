"""doclife documents: what the catalogue knows, and taking one out of the trash."""

import shlex
from collections.abc import Sequence
from typing import Annotated

import typer

from doclife.cli.options import Json, Limit, Organization
from doclife.cli.output import PARTLY_DONE, printable, size
from doclife.cli.restoring import RestoreProgressBar, left_alone_for, print_unrestored
from doclife.cli.session import Session, read_day, session
from doclife.domain.fields import MetadataType
from doclife.lifecycle.documents import (
    DocumentFilter,
    DocumentsPage,
    DocumentStory,
    find_document_ids,
    list_documents,
    tell_story,
)
from doclife.lifecycle.fixity_report import in_words
from doclife.lifecycle.metadata_fields import declare_metadata_field, list_metadata_fields
from doclife.lifecycle.undo import UndoOutcome, complete_restores, restore_documents

app = typer.Typer(no_args_is_help=True, help="Documents: import, list, show, restore, hold.")

ExternalId = Annotated[str, typer.Argument(metavar="EXTERNAL_ID", help="As its application says.")]


@app.command("list")
def list_(
    status: Annotated[
        str | None, typer.Option(help="active, archived, deleted, purging or purged.")
    ] = None,
    document_type: Annotated[str | None, typer.Option("--type", help="Only this type.")] = None,
    owner: Annotated[str | None, typer.Option(help="Only this owner's.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only those with this tag.")] = None,
    search: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Only with this in title or external id.")
    ] = None,
    expires_before: Annotated[
        str | None, typer.Option(metavar="DATE", help="Only those that expire before this day.")
    ] = None,
    held: Annotated[
        bool | None, typer.Option("--held/--not-held", help="Only those under legal hold, or not.")
    ] = None,
    after: Annotated[
        str | None, typer.Option(metavar="EXTERNAL_ID", help="Go on after this one.")
    ] = None,
    limit: Limit = 50,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """List documents, in the order of their external ids."""
    before = read_day(expires_before, name="--expires-before") if expires_before else None
    with session(as_json=as_json, organization=organization) as s:
        found = list_documents(
            s.conn,
            organization=s.organization,
            where=DocumentFilter(
                status=status,
                document_type=document_type,
                owner=owner,
                tag=tag,
                search=search,
                expires_before=before,
                is_held=held,
            ),
            after=after,
            size=limit,
        )
        document = {
            "organization": s.organization,
            "documents": found.documents,
            "next_after": found.next_after,
        }
        s.output.show(document, people=lambda: _print_list(s, found))


def _print_list(s: Session, page: DocumentsPage) -> None:
    s.output.table(
        ("external id", "title", "type", "owner", "status", "holds", "size", "expires on", "tags"),
        [
            (
                one.external_id,
                one.title,
                one.document_type,
                one.owner,
                one.status,
                one.hold_count,
                size(one.size_bytes),
                one.expires_on,
                one.tags,
            )
            for one in page.documents
        ],
        empty=s.none("No documents"),
    )
    if page.next_after is not None:
        s.output.say("There are more: --after with the last external id, or --limit.", style="dim")


@app.command()
def show(
    external_id: ExternalId,
    limit: Limit = 20,
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Show everything about one document: facts, holds, what plans decided and why, history."""
    with session(as_json=as_json, organization=organization) as s:
        story = tell_story(s.conn, organization=s.organization, external_id=external_id, size=limit)
        s.output.show(story, people=lambda: _print_story(s, story))


def _print_story(s: Session, story: DocumentStory) -> None:
    facts = dict(story.facts)
    facts["size_bytes"] = size(facts["size_bytes"])
    del facts["document_id"]
    s.output.facts({name.replace("_", " "): value for name, value in facts.items()})
    for damage in story.damages:
        s.output.say(
            f"Damaged since {damage.found_at:%Y-%m-%d}: {in_words(damage)}. See: "
            "doclife fixity report",
            style="red",
        )
    s.output.heading("Legal holds")
    s.output.table(
        ("matter", "reason", "by", "since", "released", "too late since"),
        [
            (
                hold["matter"],
                hold["reason"],
                hold["added_by"],
                hold["added_at"],
                hold["released_at"],
                hold["too_late_since"],
            )
            for hold in story.holds
        ],
        empty="None.",
    )
    s.output.heading("What plans decided")
    s.output.table(
        ("plan", "mode", "rule", "action", "due on", "outcome", "why"),
        [
            (
                f"{decision['plan_id']}",
                decision["mode"],
                decision["rule"] or decision["kind"],
                decision["action"],
                decision["due_on"],
                decision["reason_code"] or decision["state"],
                decision["reason"]
                + (f" ({decision['blocking_rule']})" if decision["blocking_rule"] else ""),
            )
            for decision in story.decisions
        ],
        empty="No plan has looked at it.",
    )
    s.output.heading("History")
    s.output.table(
        ("when", "who", "rule", "what", "in PREMIS", "plan", "why"),
        [
            (
                entry["at"],
                entry["actor"],
                entry["rule"],
                entry["action"],
                entry["premis_event"],
                None if entry["plan_id"] is None else f"{entry['plan_id']}",
                entry["reason"],
            )
            for entry in story.history
        ],
        empty="Nothing yet.",
    )
    if story.events:
        s.output.heading("Events from applications")
        s.output.table(
            ("number", "event", "happened on", "recorded", "by", "withdrawn"),
            [
                (
                    event["id"],
                    event["type"],
                    event["occurred_on"],
                    event["recorded_at"],
                    event["actor"],
                    event["withdrawn_at"],
                )
                for event in story.events
            ],
            empty="",
        )
    if facts["status"] == "deleted":
        s.output.say(
            "\nTake it out of the trash with: doclife documents restore "
            f"{facts['external_id']} -o {s.organization}"
        )


@app.command()
def restore(
    external_ids: Annotated[list[str], typer.Argument(metavar="EXTERNAL_ID...")],
    reason: Annotated[str, typer.Option(help="Why, for the audit trail.")] = "by request",
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Take documents out of the trash, or archived ones back into use.

    Possible until a purge begins: that is the only point of no return. Bytes in a cold store are
    asked for, and the document is restored by a later nightly run. Safe to call again.

    Exit code 3: some could not be restored, or not yet; each is listed with its reason.
    """
    with session(as_json=as_json, organization=organization) as s:
        with RestoreProgressBar(len(external_ids)) as bar:
            outcome = restore_documents(
                s.conn,
                organization=s.organization,
                document_ids=find_document_ids(
                    s.conn, organization=s.organization, external_ids=external_ids
                ),
                now=s.now(),
                actor=s.actor,
                reason=reason,
                stores=s.stores(),
                progress=bar.show,
            )
        s.output.show(outcome, people=lambda: _print_restored(s, outcome, external_ids))
    if not outcome.is_complete:
        raise typer.Exit(PARTLY_DONE)


@app.command("complete-restores")
def complete(as_json: Json = False) -> None:
    """Restore what waits for bytes from a cold store, as far as they have come.

    A nightly run does the same. Exit code 3: some still wait, or could not be restored.
    """
    with session(as_json=as_json) as s:
        outcome = complete_restores(s.conn, now=s.now(), stores=s.stores())

        def people() -> None:
            s.output.say(f"{outcome.undone:,} restored.")
            print_unrestored(s, outcome)

        s.output.show(outcome, people=people)
    if not outcome.is_complete:
        raise typer.Exit(PARTLY_DONE)


def _print_restored(s: Session, outcome: UndoOutcome, external_ids: Sequence[str]) -> None:
    left_alone = left_alone_for(s.tenant().reprieve_days) * bool(outcome.undone)
    s.output.say(f"{outcome.undone:,} restored{left_alone}.")
    if outcome.skipped:
        s.output.say(f"{outcome.skipped:,} left as they are: neither in the trash nor archived.")
    print_unrestored(s, outcome)
    if outcome.undone:
        again = printable(" ".join(shlex.quote(one) for one in external_ids))
        s.output.say(
            f"To delete again after that: doclife plans create -o {s.organization} "
            f"--action DELETE --reason ... --documents {again}",
            style="dim",
        )


@app.command("declare-field")
def declare_field(
    name: Annotated[str, typer.Argument(help="Key in the documents' metadata.")],
    type_: Annotated[MetadataType, typer.Argument(metavar="TYPE", help="text, int or date.")],
    organization: Organization = None,
    as_json: Json = False,
) -> None:
    """Declare a metadata key and its type, so that rules may use it."""
    with session(as_json=as_json, organization=organization) as s:
        declare_metadata_field(
            s.conn,
            organization=s.organization,
            name=name,
            metadata_type=type_,
            now=s.now(),
            actor=s.actor,
        )
        document = {"organization": s.organization, "name": name, "type": type_}
        s.output.show(
            document,
            people=lambda: s.output.say(
                f"Rules of {s.organization} may use metadata.{name} as {type_}. A value of another "
                "type counts as unknown; a declared type never changes."
            ),
        )


@app.command("fields")
def fields(organization: Organization = None, as_json: Json = False) -> None:
    """List the metadata keys that rules may use."""
    with session(as_json=as_json, organization=organization) as s:
        declared = dict(list_metadata_fields(s.conn, organization=s.organization))
        s.output.show(
            {"organization": s.organization, "fields": declared},
            people=lambda: s.output.table(
                ("metadata key", "type"),
                [(name, str(kind)) for name, kind in declared.items()],
                empty="None is declared.",
            ),
        )
