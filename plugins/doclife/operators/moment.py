"""The decision moment: what is due by then is acted upon."""

from datetime import datetime

from doclife.errors import ConfigurationError

AS_OF = "{{ params.get('as_of') or dag_run.run_after | ts }}"
"""The moment from the trigger form, else when the run was due. Never the wall clock: clearing an
old run repeats its decision."""


def parse_moment(text: str) -> datetime:
    """Return the moment that a rendered ``as_of`` names.

    :raises ConfigurationError: it is no ISO 8601 moment with an offset.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"as_of={text!r} is not a moment; write it like 2026-01-31T02:00:00+00:00"
        ) from None
    if moment.tzinfo is None:
        raise ConfigurationError(
            f"as_of={text!r} has no offset, so it names no single moment; "
            f"write for example {text}+00:00"
        )
    return moment
