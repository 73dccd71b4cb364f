"""Certificates on the pages of their plan and documents, and in the JSON API."""

from __future__ import annotations

import json
from typing import Any

import pytest

from doclife.domain.canonical import canonical
from doclife.domain.signature import SigningKey
from doclife.lifecycle import certifying
from tests.dashboard.browsers import Browser
from tests.dashboard.conftest import value
from tests.lifecycle.conftest import World
from tests.offline import is_signed

KEY = SigningKey(seed=b"\x07" * 32)


@pytest.fixture
def purged(world: World) -> tuple[int, list[int]]:
    """The plan that purged two documents, and these."""
    world.now = value(world.conn, "SELECT now()")
    ids = [world.add_document(name, document_type="draft") for name in ("a.txt", "b.txt")]
    world.enforce(
        when={"field": "document_type", "op": "eq", "value": "draft"},
        actions=[{"do": "DELETE"}],
        grace="0d",
    )
    world.night()
    world.purge()
    return value(world.conn, "SELECT max(id) FROM plans WHERE kind = 'purge'"), ids


def issue(world: World) -> None:
    certifying.issue_certificates(
        world.conn, key=KEY, stores=world.stores, now=world.now, actor="schedule"
    )


def test_the_pages_of_plan_and_document_lead_to_the_certificate(
    world: World, vic: Browser, purged: tuple[int, list[int]]
) -> None:
    plan, (document, _) = purged
    assert "Certificate of destruction" not in vic.text(f"/plans/{plan}")
    assert "not issued yet" in vic.text(f"/documents/{document}")

    issue(world)

    shown = vic.text(f"/plans/{plan}")
    assert f"Certificate of destruction {plan}" in shown
    assert "2 documents are verified gone" in shown
    assert KEY.fingerprint in shown
    assert f"certificate {plan}" in vic.text(f"/documents/{document}")
    pdf = vic.get(f"/certificates/{plan}/pdf")
    assert pdf.content.startswith(b"%PDF-")
    assert pdf.headers["content-disposition"].startswith("attachment; ")
    file = vic.get(f"/certificates/{plan}/file")
    written = world.folder / "archive" / "certificates" / "default" / f"{plan}.json"
    assert file.content == written.read_bytes()
    proof = json.loads(vic.get(f"/documents/{document}/proof").content)
    assert proof["item"]["document"] == document


def test_the_api_lists_shows_sends_and_proves(
    world: World, vic: Browser, purged: tuple[int, list[int]]
) -> None:
    plan, (document, _) = purged
    issue(world)

    listed = vic.api("GET", "/certificates").json()
    [one] = listed["items"]

    assert (one["number"], one["certificate"]["documents"]) == (plan, 2)
    assert listed["next_cursor"] is None
    assert vic.api("GET", f"/certificates/{plan}").json() == one
    signed = canonical(one["certificate"])
    assert is_signed(bytes.fromhex(one["public_key"]), bytes.fromhex(one["signature"]), signed)
    assert len(vic.api("GET", f"/certificates/{plan}/file").json()["items"]) == 2
    assert vic.api("GET", f"/certificates/{plan}/pdf").content.startswith(b"%PDF-")
    proof: dict[str, Any] = vic.api("GET", f"/certificates/{plan}/proof/{document}").json()
    assert proof["item"]["document"] == document


def test_what_is_not_there_or_not_ours_is_not_found(
    world: World, vic: Browser, olga: Browser, purged: tuple[int, list[int]]
) -> None:
    plan, (document, _) = purged
    places = (
        f"/certificates/{plan}", f"/certificates/{plan}/file", f"/certificates/{plan}/pdf",
        f"/certificates/{plan}/proof/{document}",
    )  # fmt: skip
    assert [vic.api("GET", one).status_code for one in places] == [404] * 4
    issue(world)
    assert [vic.api("GET", one).status_code for one in places] == [200] * 4
    living = world.add_document("living.txt")
    assert vic.api("GET", f"/certificates/{plan}/proof/{living}").status_code == 404
    assert vic.get(f"/documents/{living}/proof").status_code == 404
    assert vic.get(f"/certificates/{plan}/else").status_code == 404
    assert vic.get(f"/certificates/{2**70}/pdf").status_code == 404

    world.conn.execute("INSERT INTO organizations (slug, name) VALUES ('acme', 'Acme')")
    here = "?organization=acme"
    assert [olga.api("GET", one + here).status_code for one in places] == [404] * 4
    assert olga.api("GET", "/certificates" + here).json()["items"] == []
