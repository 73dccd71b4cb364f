"""./run has a key that proof is signed with, and keeps it."""

from __future__ import annotations

import json
from pathlib import Path

from doclife.connections import from_environment
from doclife.lifecycle.signing import require_signing_key
from local.environment import signing_setting
from local.state import State


def test_the_first_start_makes_a_key_and_the_next_ones_keep_it(tmp_path: Path) -> None:
    first = signing_setting(State(tmp_path / "state"), {})
    again = signing_setting(State(tmp_path / "state"), {})

    assert first == again
    key = require_signing_key(from_environment(first))
    other = signing_setting(State(tmp_path / "another"), {})
    assert require_signing_key(from_environment(other)).fingerprint != key.fingerprint


def test_a_key_of_ones_own_is_left_alone(tmp_path: Path) -> None:
    state = State(tmp_path / "state")
    own = {"AIRFLOW_CONN_DOCLIFE_SIGNING": json.dumps({"conn_type": "generic"})}

    assert signing_setting(state, own) == {}
    assert signing_setting(state, {}, connections=["doclife_signing"]) == {}
