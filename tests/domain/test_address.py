"""Which texts are one plain mail address."""

import pytest

from doclife.domain.address import is_address


@pytest.mark.parametrize(
    "text",
    ["ann@example.org", "a.b+c@sub.example.org", "o'neill@example.org", "x@intranet.local"],
)
def test_plain_addresses_are_addresses(text: str) -> None:
    assert is_address(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ann",
        "ann@",
        "@example.org",
        "ann@localhost",
        "ann@example.org\n",
        "ann@example.org\x00",
        " ann@example.org",
        "ann@example.org, bob@example.org",
        "ann@example.org;bob@example.org",
        "Ann <ann@example.org>",
        "<ann@example.org>",
        "ann@[127.0.0.1]",
        "a..b@example.org",
        ".a@example.org",
        "a@-b.org",
        "a@b..org",
        "ann@ex\u200bample.org",
        "a b@example.org",
        "x" * 65 + "@example.org",
        "a@" + "b." * 130 + "org",
        "\u0430nn@example.org",
    ],
)
def test_everything_else_is_not(text: str) -> None:
    assert not is_address(text)
