"""Nothing that goes out reaches inside, however the address is written."""

from __future__ import annotations

import asyncio
import csv
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from yarl import URL

from doclife.delivery.exchange import Answer, NoAnswer, open_client
from doclife.delivery.guard import Guard, RefusedUrl, is_public, read_networks
from doclife.errors import ConfigurationError
from tests.delivery.far_side import LOOPBACK, QUICKLY, answering, serving

_LINES = (Path(__file__).parent / "vectors" / "ssrf_urls.tsv").read_text().splitlines()
VECTORS = list(csv.reader((line for line in _LINES if not line.startswith("#")), delimiter="\t"))
REFUSED = [row for row in VECTORS if row[0] == "refuse"]
ALLOWED = [row for row in VECTORS if row[0] == "allow"]
OPEN = Guard(allows_http=True)
"""As strict as every guard, but for the scheme: most vectors are written with http."""


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row[2]} {row[3]} ({row[4]})")
def test_refuses(row: list[str]) -> None:
    _, stage, url, dns, _ = row

    async def call() -> NoAnswer | Answer:
        names = [] if dns == "-" else [f"{URL(url).host}:80:[{dns}]"]
        async with open_client(OPEN, names=names) as client:
            return await client.post(url, body=b"x", headers={}, timeout=timedelta(seconds=2))

    if dns == "-":  # whoever types an address is told at once
        with pytest.raises(RefusedUrl):
            OPEN.check_url(url)
    if stage == "parse":
        return

    answer = asyncio.run(call())

    assert isinstance(answer, NoAnswer)
    assert answer.is_refused
    assert not answer.is_sent


@pytest.mark.parametrize("row", ALLOWED, ids=lambda row: f"{row[2]} ({row[4]})")
def test_permits(row: list[str]) -> None:
    _, _, text, dns, _ = row

    url = Guard().check_url(text)

    host = dns if dns != "-" else url.raw_host
    assert host is not None
    assert Guard().permits(ip_address(host))


def test_there_are_vectors() -> None:
    assert len(REFUSED) >= 50
    assert len(ALLOWED) >= 6


def test_a_harmless_name_that_leads_inside_is_looked_at_when_it_is_dialled() -> None:
    async def scenario() -> tuple[NoAnswer | Answer, int]:
        async with serving(answering(200)) as side:
            names = [f"harmless.example.com:{side.port}:127.0.0.1"]
            async with open_client(OPEN, names=names) as client:
                url = f"http://harmless.example.com:{side.port}/"
                answer = await client.post(url, body=b"x", headers={}, timeout=QUICKLY)
            return answer, len(side.calls)

    answer, calls = asyncio.run(scenario())

    assert isinstance(answer, NoAnswer)
    assert answer.is_refused
    assert calls == 0


def test_a_refusal_does_not_tell_which_address_stands_behind_a_name() -> None:
    async def scenario() -> NoAnswer | Answer:
        async with open_client(OPEN, names=["x.example.com:80:10.9.8.7"]) as client:
            return await client.post("http://x.example.com/", body=b"", headers={}, timeout=QUICKLY)

    answer = asyncio.run(scenario())

    assert isinstance(answer, NoAnswer)
    assert "10.9" not in answer.error
    assert "DOCLIFE_ALLOWED_NETWORKS" in answer.error


def test_an_operator_opens_their_own_network_and_nothing_else() -> None:
    async def scenario() -> tuple[Answer | NoAnswer, Answer | NoAnswer]:
        async with (
            serving(answering(200)) as side,
            open_client(LOOPBACK) as client,
        ):
            inside = await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)
            outside = await client.post(
                f"http://[::1]:{side.port}/", body=b"x", headers={}, timeout=QUICKLY
            )
            return inside, outside

    inside, outside = asyncio.run(scenario())

    assert isinstance(inside, Answer)
    assert isinstance(outside, NoAnswer)
    assert outside.is_refused


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "168.63.129.16", "100.100.100.200", "192.0.0.192", "fe80::1"]
)
def test_metadata_services_stay_closed_unless_they_are_named_one_by_one(address: str) -> None:
    wide = Guard(allowed=read_networks("0.0.0.0/0, ::/0"))
    named = Guard(allowed=read_networks(address))

    assert not wide.permits(ip_address(address))
    assert named.permits(ip_address(address))


def test_a_wide_network_does_open_private_addresses() -> None:
    assert Guard(allowed=read_networks("10.0.0.0/8")).permits(ip_address("10.1.2.3"))
    assert Guard(allowed=read_networks("10.0.0.0/8")).permits(ip_address("::ffff:10.1.2.3"))
    assert not Guard().permits(ip_address("10.1.2.3"))


def test_http_needs_the_operators_word() -> None:
    with pytest.raises(RefusedUrl, match="DOCLIFE_ALLOW_HTTP"):
        Guard().check_url("http://hooks.example.com/")

    assert OPEN.check_url("http://hooks.example.com/")


def test_saving_looks_the_host_up_by_the_same_rule() -> None:
    async def check(guard: Guard, text: str) -> str | None:
        return await guard.check_host(guard.check_url(text))

    with pytest.raises(RefusedUrl):
        asyncio.run(check(Guard(allowed=read_networks("10.0.0.0/8")), "https://localhost/"))
    assert asyncio.run(check(LOOPBACK, "https://127.0.0.1/")) is None
    unknown = asyncio.run(check(Guard(), "https://nobody.invalid/"))
    assert unknown is not None
    assert "DNS" in unknown


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> Answer | NoAnswer:
        async with serving(answering(200)) as side, serving(answering(500)) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url(""))
            monkeypatch.setenv("http_proxy", proxy.url(""))
            async with open_client(LOOPBACK) as client:
                return await client.post(side.url(), body=b"x", headers={}, timeout=QUICKLY)

    answer = asyncio.run(scenario())

    assert isinstance(answer, Answer)
    assert answer.status == 200


def test_networks_that_are_none_are_refused_in_words() -> None:
    with pytest.raises(ConfigurationError, match=r"DOCLIFE_ALLOWED_NETWORKS.*10\.20\.0\.0/16"):
        read_networks("10.0.0.1/8")


def test_python_alone_would_not_do() -> None:
    assert not is_public(ip_address("168.63.129.16"))
    assert not is_public(ip_address("64:ff9b::a9fe:a9fe"))
    assert is_public(ip_address("8.8.8.8"))
    assert is_public(ip_address("2606:4700::1111"))
