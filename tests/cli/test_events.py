"""doclife events."""

import psycopg


def test_an_event_is_withdrawn_once_and_the_document_tells_by_whom_and_why(acme):
    name = acme.json("documents", "list")["documents"][0]["external_id"]
    with psycopg.connect(acme.database) as conn:
        conn.execute("SET search_path = doclife")
        conn.execute("SELECT emit_event('case.closed', %s, organization => 'acme')", (name,))
    (event,) = acme.json("documents", "show", name)["events"]

    first = acme.json("events", "withdraw", event["id"], "--reason", "opened again")
    again = acme("events", "withdraw", event["id"], "--reason", "opened again")

    assert first == {"event_id": event["id"], "withdrawn": True}
    assert "was withdrawn before" in again.output
    shown = acme.json("documents", "show", name)
    assert shown["events"][0]["withdrawn_by"].startswith("cli:")
    assert ("event.withdrawn", "opened again") in {
        (entry["action"], entry["reason"]) for entry in shown["history"]
    }


def test_an_event_that_is_not_there_is_one_sentence(acme):
    refused = acme("events", "withdraw", 999, "--reason", "x", exit_code=1)

    assert "organization acme has no event 999" in refused.errors
