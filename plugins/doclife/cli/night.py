"""doclife expire and digest: single steps of the night, by hand."""

from doclife.cli.options import EveryOrganization, Json, RunId
from doclife.cli.output import counted
from doclife.cli.session import DAG_ID, session
from doclife.lifecycle import expiring, summarising


def expire(organization: EveryOrganization = None, as_json: Json = False) -> None:
    """Stamp what has expired and queue the warnings that are due; a second call finds nothing."""
    with session(as_json=as_json, organization=organization) as s:
        now = s.now()
        outcome = expiring.expire(
            s.conn, now=now, as_of=now, actor=s.actor, organization=organization, links=s.links()
        )

        def people() -> None:
            s.output.say(
                f"Expired: {counted(outcome.expired, 'document')}; queued: "
                f"{counted(outcome.notices, 'warning')}."
            )
            if outcome.held:
                s.output.say(f"Newly held by matters: {counted(outcome.held, 'document')}.")
            s.output.say(
                "A document is judged anew when its date changes. What rules do about it: "
                "doclife plans create --due",
                style="dim",
            )

        s.output.show(outcome, people=people)


def digest(run_id: RunId = None, as_json: Json = False) -> None:
    """Store today's digests as jobs, for 08:00 by each reader's clock; a second call none again."""
    with session(as_json=as_json, run_id=run_id) as s:
        now = s.now()
        outcome = summarising.store_digests(
            s.conn,
            now=now,
            as_of=now,
            actor=s.actor,
            dag_id=DAG_ID,
            run_id=s.run_id,
            is_early=True,
            links=s.links(),
        )
        s.output.show(
            outcome,
            people=lambda: s.output.say(
                f"{outcome.recipients:,} people have something to read; {outcome.jobs:,} digests "
                "were new and wait as jobs. See: doclife jobs list"
            ),
        )
