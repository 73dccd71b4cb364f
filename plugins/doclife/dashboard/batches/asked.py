"""What the forms of a new batch carry from page to page: the documents, the deed, what was seen."""

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from doclife.dashboard.documents.listing import filter_of
from doclife.domain.batch import PLANNED, UNDER_A_MATTER, BatchDeed, BatchRequest
from doclife.domain.batch_seal import LONGEST_SEAL, through_of
from doclife.domain.text import text_fault
from doclife.errors import ConfigurationError
from doclife.lifecycle.choosing import MOST_TICKED, Selection

FILTERS = ("q", "status", "type", "owner", "tag", "held", "expires_before")
SETTINGS: Mapping[BatchDeed, Sequence[str]] = {
    BatchDeed.ARCHIVE: ("store", "original"),
    BatchDeed.NOTIFY: ("channel", "to", "digest"),
}
"""The fields of each deed that are settings of its action."""
LONGEST = 500
MOST_CARRIED = 10 * MOST_TICKED
"""Documents that a form may name before it is answered with a page that carries them on."""
_IDS = re.compile(r"[0-9]{1,18}(,[0-9]{1,18})*")
_RUN = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """One request of the pages of a new batch."""

    document_ids: tuple[int, ...]
    """Ticked on this page or carried along from others; ascending."""
    is_all: bool
    """Whether all that the search finds are meant, and not the ticked ones."""
    query: Mapping[str, str]
    """The fields of the search form."""
    typed: Mapping[str, str]
    """Everything else that was typed, by field."""

    @property
    def deed(self) -> BatchDeed | None:
        """What is to be done; None while nothing is chosen."""
        text = self.typed.get("deed", "")
        if not text:
            return None
        try:
            return BatchDeed(text)
        except ValueError:
            raise ConfigurationError(f"{text!r} is nothing that can be done here") from None

    @property
    def known_deed(self) -> str:
        """The same as text; empty also when nothing of that name can be done."""
        try:
            return self.deed or ""
        except ConfigurationError:
            return ""

    @property
    def is_complete(self) -> bool:
        """Whether everything is there that a preview needs."""
        deed = self.deed
        return deed is not None and not (
            (deed in UNDER_A_MATTER and not self.typed.get("matter"))
            or (deed is BatchDeed.NOTIFY and not self.typed.get("to"))
        )

    @property
    def request(self) -> BatchRequest:
        """What is to be done, checked.

        :raises ConfigurationError: something is missing or cannot be.
        """
        deed = self.deed
        if deed is None:
            raise ConfigurationError("choose what is to be done")
        return BatchRequest(
            deed=deed,
            matter=self.typed.get("matter", "") if deed in UNDER_A_MATTER else None,
            settings={
                name: self.typed[name] for name in SETTINGS.get(deed, ()) if self.typed.get(name)
            },
        )

    @property
    def selection(self) -> Selection:
        """Which documents are meant."""
        if not self.is_all:
            return Selection(document_ids=self.document_ids)
        return Selection(
            where=filter_of(dict(self.query)), through_id=through_of(self.typed.get("seen", ""))
        )

    @property
    def run_id(self) -> str:
        """What tells this batch from others, so that a form that is sent twice acts once."""
        run = self.typed.get("run", "")
        if not _RUN.fullmatch(run):
            raise ConfigurationError("look at the preview first")
        return f"batch-{run}"

    @property
    def reason(self) -> str:
        """Why, as it is kept.

        :raises ConfigurationError: nothing was said.
        """
        words = self.typed.get("reason", "")
        if not words:
            raise ConfigurationError("say why: it is kept in the audit trail")
        return words

    @property
    def needs_plan(self) -> bool:
        """Whether the deed becomes a plan."""
        return self.deed in PLANNED


def read(pairs: Sequence[tuple[str, str]]) -> Asked:
    """Return what a form or an address carries.

    :raises ConfigurationError: a field holds what no page of ours has sent.
    """
    query = dict.fromkeys(FILTERS, "")
    typed: dict[str, str] = {}
    ids: set[int] = set()
    for name, value in pairs:
        if name in ("document", "chosen"):
            if value and not _IDS.fullmatch(value):
                raise ConfigurationError(f"{value[:40]!r} is no list of document numbers")
            numbers = value.split(",") if value else []
            if len(ids) + len(numbers) > MOST_CARRIED:
                raise ConfigurationError(
                    f"more than {MOST_CARRIED:,} documents are ticked, and at most "
                    f"{MOST_TICKED:,} can be: choose all that match a search instead"
                )
            ids.update(map(int, numbers))
            continue
        longest = LONGEST_SEAL if name == "seen" else LONGEST
        if len(value) > longest or (fault := text_fault(value)) is not None:
            raise ConfigurationError(
                f"{name[:40]}: at most {longest} characters"
                if len(value) > longest
                else f"{name[:40]} cannot be {fault}"
            )
        (query if name in FILTERS else typed)[name] = value.strip()
    return Asked(
        document_ids=tuple(sorted(ids)),
        is_all=typed.get("all") == "1",
        query=query,
        typed=typed,
    )


def too_many(asked: Asked) -> str | None:
    """Return what to say where more was ticked than one request can carry."""
    if asked.is_all or len(asked.document_ids) <= MOST_TICKED:
        return None
    return (
        f"{len(asked.document_ids):,} documents are ticked; at most {MOST_TICKED:,} can be at a "
        "time. Choose all that match a search instead, or do it in parts."
    )


def new_run() -> str:
    """Return a name for the batch that a preview leads to."""
    return secrets.token_hex(8)
