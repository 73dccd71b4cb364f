"""doclife slack."""


def test_a_channel_is_saved_changed_and_listed(cli):
    cli("slack", "save", "legal", "--channel", "C0123456789", "--rule", "contracts-7y")

    again = cli.json("slack", "save", "legal", "--channel", "#legal", "--off")

    assert again["is_changed"]
    (found,) = cli.json("slack", "list")["channels"]
    assert found["channel"] == "#legal"
    assert found["rule_names"] is None
    assert found["is_active"] is False
    assert "#legal" in cli("slack", "list").output


def test_what_is_no_channel_is_refused(cli):
    assert (
        "no Slack channel"
        in cli("slack", "save", "legal", "--channel", "<!channel>", exit_code=1).errors
    )
    assert cli("slack", "save", "auto", exit_code=1).errors
