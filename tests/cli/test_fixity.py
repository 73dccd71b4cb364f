"""What a person sees of the weekly sample, and how a damaged document is found and mended."""

from pathlib import Path


def one_of(folder: Path) -> Path:
    return sorted(path for path in folder.rglob("*.txt"))[0]


def test_damage_is_found_shown_and_said_to_be_mended(acme, folder):
    path = one_of(folder)
    content = path.read_bytes()

    first = acme.json("fixity", "check")
    path.write_bytes(b"?" * len(content))
    second = acme("fixity", "check", "--budget", "1GB", exit_code=3)
    report = acme.json("fixity", "report")
    name = report["damaged"][0]["external_id"]
    shown = acme("documents", "show", name)
    path.write_bytes(content)
    third = acme("fixity", "check", "--damaged")

    assert first["check"]["damaged_count"] == 0
    assert first["check"]["object_count"] > 0
    assert "Newly found damaged: 1 object." in second.output
    assert [one["kind"] for one in report["damaged"]] == ["changed"]
    assert "is not what was recorded; there is no second copy" in " ".join(shown.output.split())
    assert "fixity check" in shown.output
    assert "Mended since: 1 object." in third.output
    assert "No document is known to stand on damaged bytes." in acme("fixity", "report").output


def test_the_budget_is_shown_and_changed(acme):
    assert acme("fixity", "budget").output.strip() == "A check reads at most 10.0 GB."
    assert acme.json("fixity", "budget", "1.5TB") == {"budget_bytes": 1_500_000_000_000}
    refused = acme("fixity", "budget", "much", exit_code=2)
    assert "is no size: write for example 500MB" in " ".join(refused.errors.split())


def test_a_store_that_is_not_there_is_named_and_the_command_says_that_it_is_in_part(acme, folder):
    (folder / ".doclife-store").unlink()

    answer = acme("fixity", "check", exit_code=3)

    assert "Not checked: store" in answer.output
    assert "No document is known" in acme("fixity", "report").output
