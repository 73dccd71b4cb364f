"""doclife templates: own files before ours, looked at and checked before anybody gets them."""

from dataclasses import replace
from pathlib import Path

import pytest

from doclife.lifecycle.template_previews import PREVIEWS

from .conftest import Cli


@pytest.fixture
def own(cli: Cli, tmp_path: Path) -> Cli:
    """The command line with an operator's own folder."""
    return replace(cli, environment={"DOCLIFE_TEMPLATES": str(tmp_path)})


def write(folder: Path, path: str, text: str) -> Path:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return file


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_message_can_be_looked_at(cli: Cli, tmp_path: Path, language: str) -> None:
    cli(
        "organizations",
        "set",
        "default",
        "--title",
        "Acme Ltd",
        "--logo-url",
        "https://a.example/l",
    )

    for name in PREVIEWS:
        file = tmp_path / f"{name}.html"
        cli("templates", "preview", name, "--language", language, "--html", file)
        page = file.read_text()
        assert f'<html lang="{language}">' in page
        assert '<img src="https://a.example/l" alt="Acme Ltd"' in page
        assert "Acme Ltd" in page


def test_text_goes_to_the_screen_and_slack_as_slack_gets_it(cli: Cli) -> None:
    text = cli("templates", "preview", "digest").output
    assert text.startswith("Documents of Default organization: summary of ")
    assert "Lease of the north wing (contract-4711)" in text
    assert "*" in cli("templates", "preview", "notice", "--slack").output
    assert (
        "not sent to Slack" in cli("templates", "preview", "report", "--slack", exit_code=1).errors
    )
    assert "Did you mean 'notice'" in cli("templates", "preview", "notize", exit_code=1).errors


def test_own_files_are_used_listed_and_checked(own: Cli, tmp_path: Path) -> None:
    file = write(tmp_path, "email/en/notice.txt.j2", "Ours: {{ document.title }}\n\nLook.\n")
    assert own("templates", "preview", "notice").output.startswith("Ours: Lease of the north wing")
    listed = own.json("templates", "list")["templates"]
    assert [one["file"] for one in listed if one["is_own"]] == [str(file)]
    assert "Every template can be used" in own("templates", "check").output

    write(tmp_path, "email/en/notice.txt.j2", "Ours\n\n{{ document.titel }}\n")
    stranger = write(tmp_path, "email/en/digset.txt.j2", "x")
    faults = own.json("templates", "check", exit_code=1)["faults"]

    assert faults == [
        {"place": f"{file}:3", "reason": "'dict object' has no attribute 'titel'"},
        {
            "place": str(stranger),
            "reason": "ours has no file email/en/digset.txt.j2, so nobody asks for it."
            " Did you mean 'email/en/digest.txt.j2'?",
        },
    ]


def test_an_organization_has_words_of_its_own(own: Cli, tmp_path: Path) -> None:
    own("organizations", "add", "acme")
    write(tmp_path, "organizations/acme/email/en/notice.txt.j2", "Acme's\n\nLook.\n")

    assert own("templates", "preview", "notice", "-o", "acme").output.startswith("Acme's")
    assert not own("templates", "preview", "notice").output.startswith("Acme's")


@pytest.mark.parametrize("url", ["http://a.example/l.png", "javascript:alert(1)", "https://", "x"])
def test_a_logo_is_an_https_address(cli: Cli, url: str) -> None:
    wrong = cli("organizations", "set", "default", "--logo-url", url, exit_code=1)

    assert "is no logo" in wrong.errors


def test_a_logo_can_be_taken_back(cli: Cli) -> None:
    change = ("organizations", "set", "default", "--logo-url")
    assert cli.json(*change, "https://a.example/l")["organization"]["logo_url"]
    assert cli.json(*change, "")["organization"]["logo_url"] is None
