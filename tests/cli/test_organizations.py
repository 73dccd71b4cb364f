"""doclife organizations and limits."""


def test_a_new_organization_has_the_belts_on(cli):
    added = cli.json("organizations", "add", "acme")["organization"]

    assert added["cooling_off_days"] == 7
    assert added["max_fraction_per_day"] == 0.2


def test_settings_that_are_given_are_the_ones_that_count(cli):
    cli("organizations", "add", "acme", "--time-zone", "Europe/Berlin", "--cooling-off-days", "0")

    found = {one["slug"]: one for one in cli.json("organizations", "list")["organizations"]}

    assert found["acme"]["time_zone"] == "Europe/Berlin"
    assert found["acme"]["cooling_off_days"] == 0
    assert found["default"]["cooling_off_days"] == 7


def test_a_changed_setting_is_audited_with_what_it_was(cli, conn):
    cli("organizations", "add", "acme")

    cli("organizations", "set", "acme", "--max-documents-per-day", "10")

    actor, details = conn.execute(
        "SELECT actor, details FROM audit_entries WHERE action = 'organization.changed'"
    ).fetchone()
    assert actor.startswith("cli:")
    assert details == {"max_documents_per_day": {"before": 5000, "after": 10}}


def test_setting_the_same_again_leaves_no_trace(cli, conn):
    cli("organizations", "set", "default", "--time-zone", "UTC")

    assert conn.execute("SELECT count(*) FROM audit_entries").fetchone() == (0,)


def test_adding_an_organization_twice_is_refused_in_one_sentence(cli):
    cli("organizations", "add", "acme")

    refused = cli("organizations", "add", "acme", exit_code=1)

    assert refused.errors.startswith("organization 'acme' exists.")
    assert refused.output == ""


def test_adding_one_that_may_exist_sets_it(cli):
    cli("organizations", "add", "acme")

    answer = cli.json("organizations", "add", "acme", "--locale", "de", "--exist-ok")

    assert answer["is_new"] is False
    assert answer["organization"]["locale"] == "de"


def test_a_time_zone_that_nobody_knows_is_refused(cli):
    refused = cli("organizations", "add", "acme", "--time-zone", "Mars/Olympus", exit_code=1)

    assert "'Mars/Olympus' is not a time zone" in refused.errors


def test_a_short_name_with_spaces_is_refused(cli):
    assert "is no short name" in cli("organizations", "add", "Acme Ltd", exit_code=1).errors


def test_a_fraction_above_one_is_wrong_usage(cli):
    cli("organizations", "set", "default", "--max-fraction-per-day", "1.5", exit_code=2)


def test_the_limits_of_the_deployment_are_shown_and_changed(cli):
    before = cli.json("limits", "show")["deployment"]

    cli("limits", "set", "--max-fraction-per-day", "0.5")

    assert before == {"max_documents_per_day": 20000, "max_fraction_per_day": 0.2}
    assert cli.json("limits", "show")["deployment"]["max_fraction_per_day"] == 0.5
