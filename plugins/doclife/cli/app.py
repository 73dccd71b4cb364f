"""The command line: every noun with its verbs. It needs the database, never a running Airflow."""

import typer

from doclife.cli import (
    audit,
    backups,
    certificates,
    comparing,
    deliveries,
    doctor,
    documents,
    endpoints,
    erasure,
    events,
    explaining,
    fixity,
    halt,
    holds,
    importing,
    jobs,
    limits,
    looking_ahead,
    mail,
    matters,
    metrics,
    migrating,
    night,
    notifications,
    organizations,
    plans,
    preferences,
    reports,
    reviews,
    rule_lint,
    rule_tests,
    rules,
    schedules,
    signing_key,
    slack,
    status,
    stores,
    suppressions,
    tables,
    templates,
)
from doclife.cli.failures import FriendlyGroup

app = typer.Typer(
    name="doclife",
    cls=FriendlyGroup,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help=(
        "Automates the life of documents: what has expired is found, archived, deleted and proven "
        "by rules. Nothing is destroyed that was not planned first.\n\n"
        "Every command takes --json. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, "
        "3 done in part."
    ),
)
documents_app = documents.app
reviews.add_to(plans.app)
importing.add_to(documents_app)
holds.add_to(documents_app)
rule_lint.add_to(rules.app)
rule_tests.add_to(rules.app)
explaining.add_to(documents_app)
comparing.add_to(rules.app)

app.add_typer(documents_app, name="documents")
app.add_typer(matters.app, name="matters")
app.add_typer(rules.app, name="rules")
app.add_typer(events.app, name="events")
app.add_typer(plans.app, name="plans")
app.add_typer(jobs.app, name="jobs")
app.add_typer(schedules.app, name="schedules")
app.add_typer(endpoints.app, name="endpoints")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(mail.app, name="mail")
app.add_typer(slack.app, name="slack")
app.add_typer(suppressions.app, name="suppressions")
app.add_typer(preferences.app, name="preferences")
app.add_typer(notifications.app, name="notifications")
app.add_typer(reports.app, name="reports")
app.add_typer(templates.app, name="templates")
app.add_typer(stores.app, name="stores")
app.add_typer(fixity.app, name="fixity")
app.add_typer(tables.app, name="tables")
app.add_typer(organizations.app, name="organizations")
app.add_typer(limits.app, name="limits")
app.add_typer(halt.app, name="halt")
app.add_typer(audit.app, name="audit")
app.add_typer(certificates.app, name="certificates")
app.add_typer(backups.app, name="backup")
app.add_typer(erasure.app, name="erasure")
app.add_typer(signing_key.app, name="signing-key")
app.command("forecast")(looking_ahead.forecast)
app.command("overdue")(looking_ahead.overdue)
app.command("status")(status.show)
app.command("doctor")(doctor.examine)
app.command("metrics")(metrics.show)
app.command("adopt")(halt.adopt)
app.command("migrate")(migrating.migrate)
app.command("compatibility")(migrating.compatibility)
app.command("expire")(night.expire)
app.command("digest")(night.digest)
