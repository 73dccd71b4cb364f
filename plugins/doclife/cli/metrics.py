"""doclife metrics: the numbers that are sent for Prometheus, as they are now."""

from collections.abc import Iterator, Sequence
from typing import Annotated

import typer

from doclife.cli.options import Json
from doclife.cli.session import session
from doclife.domain.metrics import METRICS, Measurement
from doclife.lifecycle.measuring import measure


def show(
    by_organization: Annotated[
        bool, typer.Option("--by-organization", help="Tell organizations apart.")
    ] = False,
    prometheus: Annotated[
        bool,
        typer.Option("--prometheus", help="In the text format of Prometheus, zeros too."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Measure now; without --json or --prometheus only what is not zero is shown.

    Attempts and the last successes of tasks are known where Airflow sends metrics.
    """
    if prometheus and as_json:
        raise typer.BadParameter(
            "--prometheus is a format of its own: leave out one of --prometheus and --json",
            param_hint="--json",
        )
    with session(as_json=as_json) as s:
        measured = measure(s.conn, by_organization=by_organization)
        if prometheus:
            typer.echo("\n".join(_exposition(measured)))
            return
        s.output.show(
            {"metrics": measured},
            people=lambda: s.output.table(
                ["Metric", "Labels", "Value"],
                [[one.metric, _labels(one), f"{one.value:,.10g}"] for one in measured if one.value],
                empty="Nothing was measured.",
            ),
        )


def _exposition(measured: Sequence[Measurement]) -> Iterator[str]:
    """Yield lines of Prometheus' text format, for its node_exporter to pick up from a file."""
    for metric in METRICS:
        yield f"# HELP {metric.prometheus_name} {metric.meaning}"
        yield f"# TYPE {metric.prometheus_name} gauge"
        for one in measured:
            if one.metric == metric.name:
                labels = _labels(one)
                given = f"{{{labels}}}" if labels else ""
                yield f"{metric.prometheus_name}{given} {one.value!r}"


def _labels(one: Measurement) -> str:
    return ",".join(f'{name}="{value}"' for name, value in one.labels.items())
