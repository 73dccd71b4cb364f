"""What ``/rules`` of the JSON API takes and answers."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from doclife.domain.rule import Mode
from doclife.lifecycle.ruling import RuleChange
from doclife.store.stored_plans import PlanItem


class RuleBody(BaseModel):
    """A rule as a rule file writes it, with every default written out in answers."""

    name: str
    version: int
    created_at: datetime
    rule: dict[str, Any]


class ListedBody(RuleBody):
    """A rule with how it ran last, when it runs next and what is due."""

    next_run_at: datetime | None
    last_plan_id: int | None
    last_plan_state: str | None
    last_planned_at: datetime | None
    due_count: int | None = Field(
        description="Archives and deletions due by the last forecast; null: never forecast."
        " Counting ends at 10,001."
    )
    unknown_count: int | None


class RulesPage(BaseModel):
    """A page of rules, by name."""

    items: list[ListedBody]
    next_cursor: str | None


class Part(BaseModel):
    """Documents that are treated alike."""

    model_config = ConfigDict(from_attributes=True)

    text: str
    documents: int
    size_bytes: int
    code: str | None = Field(description="Why they are left alone; null: it would be done.")


class PreviewBody(BaseModel):
    """What a rule would do. Nothing was stored or done."""

    rule: str
    as_of: datetime
    due: int
    parts: list[Part]
    unknown: int
    items: list[PlanItem]
    next_cursor: str | None


class VersionBody(BaseModel):
    """One version of a rule."""

    version: int
    mode: str
    author: str
    commit_id: str | None
    created_at: datetime
    rule: dict[str, Any]


class VersionsBody(BaseModel):
    """All versions of a rule, the newest first."""

    items: list[VersionBody]
    next_cursor: None = None


class NewRule(BaseModel):
    """A rule to bring into force or to look at, as a rule file writes it."""

    model_config = ConfigDict(extra="forbid")

    rule: dict[str, Any]


class ChangedRule(NewRule):
    """The next version of a rule."""

    based_on: int = Field(ge=1, description="The version that you have seen.")


class Switch(BaseModel):
    """Another mode for a rule."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode
    based_on: int = Field(ge=1, description="The version that you have seen.")


class RunBody(BaseModel):
    """How to run a rule."""

    model_config = ConfigDict(extra="forbid")

    mode: Mode = Mode.SIMULATE


class StartedRun(BaseModel):
    """A run that Airflow has begun."""

    dag_id: str
    run_id: str


class FileBody(BaseModel):
    """The text of a rule file."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=1_000_000)


class ChangesBody(BaseModel):
    """What applying a file has changed."""

    changes: list[RuleChange]
