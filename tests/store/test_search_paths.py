"""What a guard means by a word is decided where it is written, not by whoever sets it off."""

from __future__ import annotations

import re

from .conftest import Catalogue

QUALIFIED = {"keep_document_updated_at"}
"""Runs for every document that changes, and names the schema of each word instead."""


def test_every_function_in_plpgsql_has_its_own_path_or_names_every_schema(
    catalogue: Catalogue,
) -> None:
    loose = catalogue.owner.execute(
        "SELECT proname, prosrc FROM pg_proc JOIN pg_language ON prolang = pg_language.oid"
        " WHERE pronamespace = 'doclife'::regnamespace AND lanname = 'plpgsql'"
        " AND coalesce(proconfig::text, '') NOT LIKE '%search_path=%'"
    ).fetchall()

    assert {name for name, _ in loose} == QUALIFIED
    for _, source in loose:
        assert set(re.findall(r"[\w.]+(?=\()", source)) == {"pg_catalog.now"}


def test_nobody_slips_another_clock_under_what_keeps_the_time(catalogue: Catalogue) -> None:
    document = catalogue.document()
    with catalogue.another() as session:
        session.execute("CREATE SCHEMA evil")
        session.execute(
            "CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql"
            " AS $$SELECT '2000-01-01 00:00+00'::timestamptz$$"
        )
        session.execute("SET search_path = evil, pg_catalog, doclife")
        assert session.execute("SELECT now()").fetchone()[0].year == 2000

        for query in (
            f"UPDATE documents SET title = 'x' WHERE id = {document} RETURNING updated_at",
            "UPDATE organizations SET name = name WHERE id = 1 RETURNING updated_at",
        ):
            assert session.execute(query).fetchone()[0].year > 2020
        session.execute("DROP SCHEMA evil CASCADE")
