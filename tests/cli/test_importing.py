"""doclife documents import."""

import os

import pytest


def test_importing_says_what_came_in_and_importing_again_that_nothing_changed(cli, folder):
    first = cli.json("documents", "import", folder)
    second = cli.json("documents", "import", folder)

    assert (first["new"], first["problem_count"]) == (3, 0)
    assert (second["new"], second["changed"], second["unchanged"]) == (0, 0, 3)


def test_what_was_not_imported_is_listed_and_the_exit_code_tells(cli, folder):
    (folder / "link").symlink_to(folder / "a.txt")

    answer = cli("documents", "import", folder, exit_code=3)
    (problem,) = cli.json("documents", "import", folder, exit_code=3)["problems"]

    assert "symbolic link" in answer.output
    assert problem["is_imported"] is False
    assert problem["path"].endswith("/link")


def test_a_file_worth_a_note_is_imported_all_the_same(cli, folder):
    (folder / "empty.txt").touch()

    result = cli.json("documents", "import", folder)

    assert result["new"] == 4
    assert result["problems"][0]["is_imported"] is True


@pytest.mark.parametrize("option", [("--expires-on", "tomorrow"), ("--metadata", "no-equals")])
def test_an_option_that_is_no_value_is_wrong_usage(cli, folder, option):
    cli("documents", "import", folder, *option, exit_code=2)


def test_metadata_that_is_not_declared_is_refused(cli, folder):
    refused = cli("documents", "import", folder, "--metadata", "project=x", exit_code=1)

    assert "declare-field project" in refused.errors


def test_what_is_given_for_all_is_on_every_document(cli, folder):
    cli("documents", "declare-field", "project", "text")
    cli(
        *("documents", "import", folder, "--type", "note", "--owner", "anna@example.org"),
        *("--tag", "x", "--tag", "y", "--metadata", "project=apollo", "--expires-on", "2030-01-31"),
    )

    facts = cli.json("documents", "show", "files/b.txt")["facts"]

    assert facts["document_type"] == "note"
    assert facts["owner"] == "anna@example.org"
    assert facts["tags"] == ["x", "y"]
    assert facts["metadata"] == {"project": "apollo"}
    assert facts["expires_on"] == "2030-01-31"


def test_a_folder_that_is_not_there_is_one_sentence(cli, tmp_path):
    refused = cli("documents", "import", tmp_path / "nowhere", exit_code=1)

    assert str(tmp_path / "nowhere") in refused.errors
    assert len(refused.errors.strip().splitlines()) == 1


def test_at_a_terminal_a_bar_shows_rate_and_time_left(cli, folder):
    for number in range(50):
        (folder / f"{number}.bin").write_bytes(os.urandom(100_000))

    exit_code, seen = cli.on_a_terminal("documents", "import", folder)

    assert exit_code == 0
    assert "time left" in seen
    assert "53 new" in seen


def test_a_name_that_would_move_the_cursor_is_written_out(cli, folder):
    (folder / "red\x1b[31m\n.txt").write_text("x")
    cli("documents", "import", folder, exit_code=0)

    answer = cli("documents", "list")

    assert "\x1b" not in answer.output
