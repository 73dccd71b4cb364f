"""Sends what ``lifecycle.measuring`` measures to wherever Airflow sends its metrics.

Short-lived processes are a poor place to send numbers from: OpenTelemetry would have to tell apart
the counters of each. So one process measures for all, in the triggerer, and what tasks know they
write down in the catalogue. Where Airflow sends no metrics, none of this happens.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from airflow.sdk.configuration import conf

# What is heavy is imported where it is used: DAG files import this on every parse.

logger = logging.getLogger(__name__)

SECONDS = "DOCLIFE_METRICS_SECONDS"
BY_ORGANIZATION = "DOCLIFE_METRICS_BY_ORGANIZATION"
DEFAULT_SECONDS = 30


def are_sent() -> bool:
    """Whether Airflow sends metrics that have labels: without, ours would overwrite each other."""
    if _is_on("statsd_datadog_enabled"):
        return _is_on("statsd_datadog_metrics_tags")
    if _is_on("statsd_on"):
        return _is_on("statsd_influxdb_enabled")
    return _is_on("otel_on")


def _is_on(option: str) -> bool:
    return bool(conf.getboolean("metrics", option))


@asynccontextmanager
async def measuring(conninfo: Callable[[], Awaitable[str]]) -> AsyncIterator[None]:
    """Measure and send again and again meanwhile, if Airflow sends metrics anywhere.

    :param conninfo: where the catalogue is; asked again when it could not be reached.
    """
    if not are_sent():
        if _is_on("statsd_on"):
            logger.warning(
                "No metrics of doclife are sent: StatsD is on without labels. Set "
                "AIRFLOW__METRICS__STATSD_INFLUXDB_ENABLED=True (docs/metrics.md)."
            )
        yield
        return
    task = asyncio.create_task(_keep_measuring(conninfo, seconds=_seconds(), apart=_are_apart()))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _keep_measuring(
    conninfo: Callable[[], Awaitable[str]], *, seconds: int, apart: bool
) -> None:
    import psycopg

    from doclife.errors import DoclifeError

    _open_stats()
    where: str | None = None
    while True:
        try:
            where = where or await conninfo()
            await asyncio.to_thread(_measure_and_send, where, apart=apart)
        except (psycopg.Error, DoclifeError, OSError) as error:
            where = None
            logger.warning("Nothing could be measured: %s", error)
        await asyncio.sleep(seconds)


def _open_stats() -> None:
    """Tell this process where Airflow sends metrics, which is only done for tasks."""
    from airflow.sdk.observability import stats
    from airflow.sdk.observability.metrics.stats_utils import get_stats_factory

    stats.initialize(
        factory=get_stats_factory(),
        export_legacy_names=conf.getboolean("metrics", "legacy_names_on"),
    )


def _measure_and_send(conninfo: str, *, apart: bool) -> None:
    from airflow.sdk.observability import stats

    from doclife.lifecycle.measuring import measure
    from doclife.store.connection import connect

    with connect(conninfo, application_name="doclife metrics") as conn:
        measured = measure(conn, by_organization=apart)
    for one in measured:
        stats.gauge(one.metric, one.value, tags=dict(one.labels))


def _seconds() -> int:
    text = os.environ.get(SECONDS) or str(DEFAULT_SECONDS)
    if text.isdecimal() and int(text) >= 1:
        return int(text)
    # Whoever measures also wakes the queue, which goes on whatever was written there.
    logger.error("%s=%r is no number of seconds; %s are taken", SECONDS, text, DEFAULT_SECONDS)
    return DEFAULT_SECONDS


def _are_apart() -> bool:
    return os.environ.get(BY_ORGANIZATION, "").strip().lower() in ("1", "true")
