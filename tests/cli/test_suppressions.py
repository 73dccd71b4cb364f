"""doclife suppressions."""


def test_an_address_is_suppressed_listed_and_released(cli):
    cli("suppressions", "add", "Ben@example.org")

    (found,) = cli.json("suppressions", "list")["suppressions"]
    assert (found["address"], found["reason"]) == ("ben@example.org", "manual")

    cli("suppressions", "remove", "ben@example.org")
    assert cli.json("suppressions", "list")["suppressions"] == []
    assert "not suppressed" in cli("suppressions", "remove", "ben@example.org", exit_code=1).errors


def test_what_is_no_address_is_refused(cli):
    assert "no mail address" in cli("suppressions", "add", "everybody", exit_code=1).errors
