"""What comes back, what waits, and what is told of that which does not."""

from doclife.store.connection import connect


def begin_to_purge(database: str, external_id: str) -> None:
    """Let destruction of a document in the trash begin, as a purge does, and go no further."""
    with connect(database) as conn:
        (plan_id, document_id) = conn.execute(
            "WITH plan AS (INSERT INTO plans (organization_id, kind, dag_id, run_id, requested_by,"
            "  mode, as_of, created_at) SELECT organization_id, 'purge', 'test', 'purge', 'test',"
            "  'enforce', now(), now() FROM documents WHERE external_id = %(id)s RETURNING id)"
            " INSERT INTO plan_items (plan_id, document_id, action_index, action, status_before,"
            "  document_version, is_reserving, reason)"
            " SELECT plan.id, document.id, 0, 'PURGE', 'deleted', 1, true, 'asked for'"
            " FROM plan, documents AS document WHERE document.external_id = %(id)s"
            " RETURNING plan_id, document_id",
            {"id": external_id},
        ).fetchone() or (0, 0)
        conn.execute("UPDATE plans SET state = 'applying' WHERE id = %s", (plan_id,))
        conn.execute(
            "UPDATE documents SET status = 'purging', purging_at = '2026-03-02 03:04Z'"
            " WHERE id = %s",
            (document_id,),
        )


def test_a_restore_that_comes_too_late_says_since_when(acme, plan_id, database):
    acme("plans", "apply", plan_id, "--yes")
    begin_to_purge(database, "files/a.txt")

    answer = acme("documents", "restore", "files/a.txt", exit_code=3)

    assert answer.output.startswith("0 restored.")
    told = " ".join(answer.output.split())
    assert "files/a.txt: too late, its destruction began at 2026-03-02 03:04 UTC." in told
    assert "reprieve" not in told


def test_an_undo_brings_back_the_others_and_says_which_came_too_late(acme, plan_id, database):
    acme("plans", "apply", plan_id, "--yes")
    begin_to_purge(database, "files/a.txt")

    outcome = acme.json("plans", "undo", plan_id, exit_code=3)["outcome"]

    assert (outcome["undone"], outcome["skipped"], outcome["too_late_count"]) == (2, 0, 1)
    assert outcome["too_late"][0]["external_id"] == "files/a.txt"


def test_completing_restores_when_nothing_waits_does_nothing(acme):
    assert acme.json("documents", "complete-restores")["undone"] == 0


def test_the_help_says_where_the_point_of_no_return_is(acme):
    for command in (("documents", "restore"), ("plans", "undo")):
        words = " ".join(acme(*command, "--help").output.split())
        assert "the only point of no return" in words.replace(" │ │ ", " ")
