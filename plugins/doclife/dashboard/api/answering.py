"""What several resources of the JSON API answer with."""

from pydantic import BaseModel, ConfigDict

from doclife.delivery.outcome import Outcome


class Tried(BaseModel):
    """What the far side answered to a test."""

    model_config = ConfigDict(from_attributes=True)

    outcome: Outcome
    status_code: int | None
    latency_ms: int
    answer_head: str | None
    error: str | None
