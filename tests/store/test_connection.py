from __future__ import annotations

from doclife.store.connection import connect


def test_the_server_looks_within_a_minute_whether_a_silent_session_is_still_there(database_url):
    with connect(database_url) as conn:
        row = conn.execute(
            "SELECT current_setting('tcp_keepalives_idle')::integer"
            " + current_setting('tcp_keepalives_interval')::integer"
            " * current_setting('tcp_keepalives_count')::integer,"
            " current_setting('tcp_user_timeout')"
        ).fetchone()

    assert row == (60, "60000")
