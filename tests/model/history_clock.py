"""The database's clock, where it is a history's: simulated time that everybody in it agrees on.

Triggers, functions and defaults read ``history_clock()`` instead of ``now()``. It is what the
session has set, so that each session says which moment it lives in, and the server's own clock in
sessions that say nothing. A history lies in the past: what refuses the future still does.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, LiteralString

import psycopg

USE_HISTORY_CLOCK: LiteralString = r"""
CREATE OR REPLACE FUNCTION doclife.history_clock() RETURNS timestamptz LANGUAGE sql STABLE AS
$$
    SELECT coalesce(
        nullif(current_setting('doclife.history_clock', true), '')::timestamptz, pg_catalog.now()
    )
$$;
CREATE OR REPLACE FUNCTION doclife.now() RETURNS timestamptz LANGUAGE sql STABLE AS
'SELECT doclife.history_clock()';
CREATE OR REPLACE FUNCTION doclife.clock_timestamp() RETURNS timestamptz LANGUAGE sql STABLE AS
'SELECT doclife.history_clock()';
GRANT EXECUTE ON FUNCTION doclife.history_clock(), doclife.now(), doclife.clock_timestamp()
TO public;
DO $do$
DECLARE
    clock text := '\m(pg_catalog\.)?(now|clock_timestamp)\(\)';
    today text := '\mCURRENT_DATE\M';
    found record;
BEGIN
    FOR found IN
        SELECT pg_get_functiondef(oid) AS definition FROM pg_proc
        WHERE pronamespace = 'doclife'::regnamespace AND prokind = 'f'
        AND proname NOT IN ('history_clock', 'now', 'clock_timestamp')
    LOOP
        IF found.definition ~* clock OR found.definition ~* today THEN
            EXECUTE regexp_replace(
                regexp_replace(found.definition, clock, 'doclife.history_clock()', 'gi'),
                today, 'doclife.history_clock()::date', 'gi'
            );
        END IF;
    END LOOP;
    FOR found IN
        SELECT adrelid::regclass AS owner, attname, pg_get_expr(adbin, adrelid) AS definition
        FROM pg_attrdef
        INNER JOIN pg_attribute ON attrelid = adrelid AND attnum = adnum
        INNER JOIN pg_class ON pg_class.oid = adrelid
        WHERE relnamespace = 'doclife'::regnamespace AND attgenerated = ''
        AND pg_get_expr(adbin, adrelid) ~ clock
    LOOP
        EXECUTE format(
            'ALTER TABLE %s ALTER %I SET DEFAULT %s', found.owner, found.attname,
            regexp_replace(found.definition, clock, 'doclife.history_clock()', 'g')
        );
    END LOOP;
    FOR found IN
        SELECT pg_get_triggerdef(pg_trigger.oid) AS definition FROM pg_trigger
        INNER JOIN pg_class ON pg_class.oid = tgrelid
        WHERE relnamespace = 'doclife'::regnamespace AND NOT tgisinternal AND tgparentid = 0
        AND pg_get_triggerdef(pg_trigger.oid) ~ clock
    LOOP
        EXECUTE regexp_replace(
            replace(found.definition, 'CREATE TRIGGER', 'CREATE OR REPLACE TRIGGER'),
            clock, 'doclife.history_clock()', 'g'
        );
    END LOOP;
END $do$;
"""


def use_history_clock(superuser: psycopg.Connection[Any]) -> None:
    """Let a migrated database ask the history's clock; again after each migration."""
    superuser.execute(USE_HISTORY_CLOCK)


def set_clock(conn: psycopg.Connection[Any], now: datetime) -> None:
    """Say which moment a session lives in, until the next call."""
    conn.execute("SELECT set_config('doclife.history_clock', %s, false)", (now.isoformat(),))


def read_history_clock(conn: psycopg.Connection[Any]) -> None:
    """Let the statements of a session, too, mean the history's clock where they say ``now()``."""
    conn.execute("SET search_path = doclife, pg_catalog, pg_temp")
