"""Pages without a login: what a link shows, what its button does, and what nobody else gets."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import httpx
import pytest

from doclife.connections import ServiceConnection
from doclife.dashboard.app import PUBLIC
from doclife.dashboard.public.buckets import Buckets, Rate
from doclife.lifecycle.summarising import store_digests
from doclife.lifecycle.warning import warn_owners
from doclife.store import organizations
from local import databases
from local.postgres import Postgres
from tests.conftest import role_url
from tests.dashboard.public_server import PublicServer, serving
from tests.lifecycle.conftest import NOW, World
from tests.lifecycle.test_required_warnings import DELETE, DRAFTS, EXPIRY, add, fallback


@pytest.fixture
def server(world: World, database: str, postgres: Postgres) -> Iterator[PublicServer]:
    """The pages over the world's catalogue, with the rights that they have in production."""
    url = role_url(postgres, database.rsplit("/", 1)[1], role=databases.TASKS)
    with serving(url, now=NOW) as running:
        yield running


def keep_url(world: World, server: PublicServer, **columns: object) -> str:
    """The link of a warning, as it stands in the mail."""
    add(world, **columns)
    world.enforce(
        trigger=EXPIRY, when=DRAFTS, warn={"before": ["30d"], "keep": "90d"}, actions=DELETE
    )
    warn_owners(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        organization=organizations.find(world.conn, "default"),
        links=server.links,
    )
    return link_in(world)


def link_in(world: World) -> str:
    mail = json.loads(world.value("SELECT payload FROM jobs WHERE kind = 'email' LIMIT 1"))
    found = re.search(r"https://documents\.example\.com\S+", mail["text"])
    assert found is not None
    return found[0]


def unsubscribe_url(world: World, server: PublicServer) -> str:
    """The link of a summary, as it stands in the mail's payload."""
    fallback(world)
    add(world, days=5)
    world.enforce(trigger=EXPIRY, when=DRAFTS, actions=DELETE)
    digest(world, server)
    mail = json.loads(
        world.value(
            "SELECT payload FROM jobs WHERE payload::jsonb ->> 'to' = %s"
            " AND payload::jsonb ->> 'template' = 'digest'",
            "records@example.org",
        )
    )
    return str(mail["unsubscribe_url"])


def digest(world: World, server: PublicServer) -> int:
    outcome = store_digests(
        world.conn,
        now=world.now,
        as_of=world.now,
        actor="schedule",
        dag_id="d",
        run_id="r",
        is_early=True,
        links=server.links,
    )
    return outcome.recipients


def kept(world: World) -> int:
    return int(world.value("SELECT count(*) FROM keepings"))


def test_getting_shows_and_keeps_nothing_posting_keeps_once(
    world: World, server: PublicServer
) -> None:
    url = keep_url(world, server)

    shown = server.get(url)

    assert shown.status_code == 200
    assert "Keep this document?" in shown.text
    assert "Title of a" in shown.text
    assert "Keep it until 30 June 2026" in shown.text
    assert kept(world) == 0

    pressed, again = server.post(url), server.post(url)

    for answer in (pressed, again):
        assert answer.status_code == 200
        assert "The document is kept" in answer.text
        assert "It stays until 30 June 2026" in answer.text
        assert "<form" not in answer.text
    assert kept(world) == 1
    actors = world.conn.execute(
        "SELECT actor FROM audit_entries WHERE action = 'document.reprieved'"
    ).fetchall()
    assert actors == [("link",)]


def test_a_page_lets_nothing_in_keeps_nothing_and_tells_nobody(
    world: World, server: PublicServer
) -> None:
    world.conn.execute("UPDATE organizations SET logo_url = 'https://logos.example.com/a.png'")

    answer = server.get(keep_url(world, server))

    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert "noindex" in answer.headers["x-robots-tag"]
    assert "set-cookie" not in answer.headers
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "img-src https://logos.example.com;" in policy
    assert "<script" not in answer.text
    style = re.search(r"<style>(.*?)</style>", answer.text, re.DOTALL)
    assert style is not None
    digest_of_style = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest_of_style}'" in policy


def test_a_page_speaks_the_organizations_language(world: World, server: PublicServer) -> None:
    world.conn.execute("UPDATE organizations SET locale = 'es-MX', name = 'Archivo Municipal'")
    url = keep_url(world, server)

    assert "¿Conservar este documento?" in server.get(url).text
    answer = server.post(url)
    assert "Se queda hasta el 30 de junio de 2026" in answer.text
    assert "Archivo Municipal" in answer.text
    assert '<html lang="es">' in answer.text


def test_a_title_is_text_and_nothing_else(world: World, server: PublicServer) -> None:
    url = keep_url(world, server, title="<script>alert(1)</script>\u202egpj.exe")

    text = server.get(url).text

    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_what_is_held_or_gone_is_said_clearly(world: World, server: PublicServer) -> None:
    url = keep_url(world, server)
    world.conn.execute("UPDATE documents SET hold_count = 0")
    world.later(days=30)
    world.night()
    server.now = world.now

    answer = server.post(url)

    assert "The document is in the trash" in answer.text
    assert "It can be restored before 1 May 2026" in answer.text
    assert kept(world) == 0


def test_an_expired_link_says_so_and_a_broken_one_too(world: World, server: PublicServer) -> None:
    url = keep_url(world, server)

    broken = server.post(url[:-4])
    server.now = NOW + timedelta(days=61)
    expired = server.post(url)

    assert (broken.status_code, expired.status_code) == (404, 410)
    assert "This link does not work" in broken.text
    assert "This link has expired" in expired.text
    assert kept(world) == 0
    es = server.get(url[:-4], **{"Accept-Language": "es-ES,es;q=0.9"})
    assert "Este enlace no funciona" in es.text


def test_a_link_of_one_kind_opens_no_page_of_another(world: World, server: PublicServer) -> None:
    url = keep_url(world, server)

    assert server.post(url.replace("/keep/", "/unsubscribe/")).status_code == 404


def test_links_stay_good_after_the_key_was_replaced_until_the_old_one_goes(
    world: World, server: PublicServer
) -> None:
    url = keep_url(world, server)
    old = server.connections["doclife_links"].password
    for extra, status in (({"previous_key": old}, 200), ({}, 404)):
        server.connections["doclife_links"] = ServiceConnection(
            id="doclife_links", type="generic", password="n" * 43, extra=extra
        )
        assert server.get(url).status_code == status


def test_one_click_signs_off_from_summaries_alone(world: World, server: PublicServer) -> None:
    url = unsubscribe_url(world, server)
    shown = server.get(url)
    assert "No more summaries?" in shown.text
    assert world.value("SELECT count(*) FROM recipient_preferences") == 0

    answer = server.post(  # as RFC 8058 says that mail programs call
        url,
        b"List-Unsubscribe=One-Click",
        {"Content-Type": "application/x-www-form-urlencoded"},
    )

    assert answer.status_code == 200
    assert server.post(url).status_code == 200
    rows = world.conn.execute(
        "SELECT recipient, channel, wants_digest FROM recipient_preferences"
    ).fetchall()
    assert rows == [("records@example.org", "email", False)]
    actors = world.conn.execute(
        "SELECT actor FROM audit_entries WHERE action = 'preference.changed'"
    ).fetchall()
    assert actors == [("link:records@example.org",)]
    world.later(days=1)
    before = world.value(
        "SELECT count(*) FROM jobs WHERE strpos(payload, 'records@example.org') > 0"
    )
    digest(world, server)
    after = world.value(
        "SELECT count(*) FROM jobs WHERE strpos(payload, 'records@example.org') > 0"
    )
    assert before == after
    assert world.value("SELECT count(*) FROM email_suppressions") == 0  # warnings still come


def test_an_address_and_a_link_may_be_followed_only_so_often(
    world: World, server: PublicServer
) -> None:
    url = keep_url(world, server)

    answers = [server.get(url).status_code for _ in range(12)]

    assert answers == [200] * 10 + [429] * 2
    assert server.get(url).headers["retry-after"] == "6"
    guesses = [server.get(f"{url[:-6]}{n:06}").status_code for n in range(20)]
    assert guesses == [404] * 17 + [429] * 3
    server.ticks += 60
    assert server.get(url).status_code == 200


def test_without_a_public_address_there_is_nothing(world: World, server: PublicServer) -> None:
    url = keep_url(world, server)
    server.environment["DOCLIFE_PUBLIC_URL"] = ""

    assert server.get(url).status_code == 404
    assert server.post(url).status_code == 404
    assert kept(world) == 0


def test_the_list_of_public_routes_is_closed() -> None:
    found = {
        (method, route.path)
        for router in PUBLIC
        for route in router.routes
        for method in route.methods
    }

    assert found == {
        ("GET", "/keep/{token}"),
        ("POST", "/keep/{token}"),
        ("GET", "/unsubscribe/{token}"),
        ("POST", "/unsubscribe/{token}"),
        ("POST", "/events/{provider}"),
    }


def test_everything_else_below_public_is_not_there(server: PublicServer) -> None:
    for path in ("", "keep/", "unsubscribe", "../rules", "%2e%2e/rules", "..%2frules"):
        answer = httpx.get(f"{server.url}/doclife/public/{path}", timeout=30)
        assert answer.status_code in (401, 404, 405), path


def test_buckets_forget_the_longest_unused_first() -> None:
    buckets = Buckets(Rate(per_minute=60, burst=2), most=3)
    for key in "abcd":
        assert buckets.take(key, at=0) is None

    assert len(buckets) == 3
    assert buckets.take("d", at=0) is None
    assert buckets.take("d", at=0) == 1
    assert buckets.take("d", at=1) is None
