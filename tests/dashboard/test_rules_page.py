"""The Rules tab: a records officer makes, understands and changes rules without YAML."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import Any

import pytest

from doclife.domain.rule import Rule
from doclife.lifecycle.planning import plan_rule
from doclife.lifecycle.ruling import current_version, export_rules
from tests.dashboard.browsers import SAME_ORIGIN, Browser, words
from tests.dashboard.conftest import People, value
from tests.lifecycle.conftest import World

TEMP: dict[str, Any] = {
    "when": {"all": [{"field": "tags", "op": "has_any", "value": ["temp"]}]},
    "actions": [{"do": "DELETE"}],
}
HOSTILE = "<script>alert(1)</script>{{ 7*7 }}\u202ejavascript:"


class Fields(HTMLParser):
    """What a browser would send of a page's form."""

    def __init__(self, html: str, *, form: str = "rule-form") -> None:
        super().__init__()
        self.form, self.inside, self.pairs = form, False, []
        self.select: str | None = None
        self.area: tuple[str, str] | None = None
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        if tag == "form":
            self.inside = found.get("id") == self.form or self.form in (found.get("action") or "")
        if not self.inside and found.get("form") != self.form:
            return
        name = found.get("name") or ""
        if tag == "select":
            self.select = name
        elif tag == "option" and self.select and "selected" in found:
            self.pairs = [pair for pair in self.pairs if pair[0] != self.select]
            self.pairs.append((self.select, found.get("value") or ""))
        elif tag == "option" and self.select and self.select not in dict(self.pairs):
            self.pairs.append((self.select, found.get("value") or ""))
        elif tag == "textarea":
            self.area = (name, "")
        elif tag == "input" and name and (found.get("type") != "checkbox" or "checked" in found):
            self.pairs.append((name, found.get("value") or ""))

    def handle_data(self, data: str) -> None:
        if self.area:
            self.area = (self.area[0], self.area[1] + data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.inside = False
        if tag == "select":
            self.select = None
        if tag == "textarea" and self.area:
            name, text = self.area
            self.pairs.append((name, text.removeprefix("\n").replace("\n", "\r\n")))
            self.area = None


def fields(html: str, *, form: str = "rule-form") -> dict[str, str]:
    return dict(Fields(html, form=form).pairs)


def send(browser: Browser, path: str, sent: dict[str, str], **more: str) -> Any:
    return browser.request("POST", path, data=sent | more, headers=SAME_ORIGIN)


def saved(world: World, name: str) -> Rule:
    return current_version(world.conn, organization="default", name=name).rule


@pytest.fixture(autouse=True)
def _now(world: World) -> None:
    """Pages take the database's present."""
    world.now = value(world.conn, "SELECT now()")


def test_without_rules_the_page_says_what_to_do_next(olga: Browser, vic: Browser) -> None:
    assert "No rules yet" in olga.text("/rules")
    assert "New rule" in olga.text("/rules")
    assert "New rule" not in vic.text("/rules")


def test_a_rule_is_made_previewed_reviewed_and_saved_without_yaml(
    world: World, olga: Browser
) -> None:
    world.add_document("draft-1", document_type="draft", title="Old draft")
    form = fields(olga.get("/rules/-/new").text)
    assert form["mode"] == "simulate"
    form |= {"name": "drafts", "when.0.value": "draft"}

    shown = words(send(olga, "/rules/-/draft/preview", form).text)
    assert "DELETE: would be done 1" in shown
    assert "Old draft" in shown

    review = send(olga, "/rules/-/draft", form, do="review").text
    assert "Bring drafts into force?" in words(review)
    assert "+- name: drafts" in words(review)
    carried = fields(review, form="/rules/-/draft/save")
    answer = send(olga, "/rules/-/draft/save", carried)

    assert "Rule drafts is in force as version 1." in olga.follow(answer)
    assert saved(world, "drafts").actions[0].do == "DELETE"
    assert value(world.conn, "SELECT actor FROM audit_entries WHERE action = 'rule.added'") == (
        "user:olga"
    )


def test_an_edit_shows_the_difference_it_makes_before_it_is_saved(
    world: World, olga: Browser
) -> None:
    for age in (100, 400):
        world.add_document(f"{age}", tags=["temp"], created_on=world.now.date().replace(year=2020))
    world.enforce("temp", **TEMP, retain={"for": "20y", "after": "created_on"})
    form = fields(olga.get("/rules/temp/edit").text)
    form |= {"retain.for": "1y"}

    assert "newly due" not in words(send(olga, "/rules/-/draft", form, do="refresh").text)
    preview = words(send(olga, "/rules/-/draft/preview", form).text)
    assert "+2 newly due" in preview
    assert "2 no longer retained." in preview
    review = words(send(olga, "/rules/-/draft", form, do="review").text)
    assert "Save temp as version 2?" in review
    assert "- for: 20y" in review.replace("-   for", "- for")

    answer = send(olga, "/rules/-/draft/save", form)
    assert "as version 2" in olga.follow(answer)


def test_who_edits_what_somebody_else_changed_is_told_and_keeps_what_they_typed(
    world: World, olga: Browser
) -> None:
    world.enforce("temp", **TEMP)
    form = fields(olga.get("/rules/temp/edit").text)
    world.enforce("temp", **TEMP, grace="1d")

    answer = send(olga, "/rules/-/draft/save", form | {"grace": "77d"})

    assert answer.status_code == 409
    assert "changed to version 2 while you edited version 1" in words(answer.text)
    assert fields(answer.text)["grace"] == "77d"
    assert str(saved(world, "temp").grace) == "1d"


def test_every_fault_is_said_at_its_field_and_nothing_is_saved(world: World, olga: Browser) -> None:
    form = fields(olga.get("/rules/-/new").text)
    form |= {"name": "Bad Name", "retain.for": "seven", "when.0.value": ""}

    answer = send(olga, "/rules/-/draft", form, do="review")

    assert answer.status_code == 422
    assert "Did you mean 'bad-name'?" in words(answer.text)
    assert answer.text.count('aria-invalid="true"') >= 2
    assert 'id="retain.for-error"' in answer.text
    assert send(olga, "/rules/-/draft/save", form).status_code == 422
    assert value(world.conn, "SELECT count(*) FROM rules") == 0


def test_rows_come_and_go_without_script(olga: Browser) -> None:
    form = fields(olga.get("/rules/-/new").text) | {"when.0.value": "draft"}

    form = fields(send(olga, "/rules/-/draft", form, do="add-condition:when").text)
    assert form["when.0.value"] == "draft"
    assert form["when.1.kind"] == "comparison"
    form = fields(send(olga, "/rules/-/draft", form, do="add-group:when").text)
    assert form["when.2.kind"] == "any"
    form = fields(send(olga, "/rules/-/draft", form, do="remove-condition:when.2").text)
    assert "when.2.kind" not in form


def test_form_and_yaml_are_two_views_and_neither_loses_anything(
    world: World, olga: Browser
) -> None:
    world.enforce("temp", **TEMP, warn=["30d"], retain={"for": "1y", "after": "created_on"},
                  review={"stages": ["records"], "remind": "2d"}, description="a\nb")  # fmt: skip
    before = saved(world, "temp")
    form = fields(olga.get("/rules/temp/edit").text)

    yaml = fields(send(olga, "/rules/-/draft", form, do="view:yaml").text)
    assert yaml["view"] == "yaml"
    back = fields(send(olga, "/rules/-/draft", yaml, do="view:form").text)
    assert back["view"] == "form"
    for sent in (form, yaml, back):
        assert send(olga, "/rules/-/draft/save", sent).status_code == 303
        assert saved(world, "temp") == before
    assert value(world.conn, "SELECT count(*) FROM rule_versions") == 1


def test_a_rule_that_no_form_can_show_is_edited_as_yaml_with_the_reason(
    world: World, olga: Browser
) -> None:
    world.enforce("odd", actions=[{"do": "ARCHIVE"}],
                  when={"field": "title", "op": "eq", "value": " two blanks "})  # fmt: skip

    page = olga.get("/rules/odd/edit").text
    assert "A value of title begins or ends with a blank." in words(page)
    form = fields(page)
    assert form["view"] == "yaml"
    again = send(olga, "/rules/-/draft", form, do="view:form").text
    assert fields(again)["view"] == "yaml"
    assert send(olga, "/rules/-/draft/save", form).status_code == 303
    assert value(world.conn, "SELECT count(*) FROM rule_versions") == 1


def test_a_rule_keeps_its_name(world: World, olga: Browser) -> None:
    world.enforce("temp", **TEMP)
    form = fields(olga.get("/rules/temp/edit").text)

    answer = send(olga, "/rules/-/draft/save", form | {"name": "other"})

    assert answer.status_code == 422
    assert "A rule keeps its name" in words(answer.text)


def test_hostile_texts_are_shown_as_texts(world: World, olga: Browser) -> None:
    world.add_document("x", tags=["temp"], title=HOSTILE)
    world.enforce("temp", **TEMP, description=HOSTILE, authority=HOSTILE)
    for path in ("/rules", "/rules/temp", "/rules/temp/edit", "/rules/temp/preview",
                 "/rules/temp/run", "/rules/temp/delete", "/rules/temp/mode?to=off",
                 "/rules/temp/difference"):  # fmt: skip
        page = olga.get(path)
        assert page.status_code == 200, (path, words(page.text))
        assert "<script>alert" not in page.text, path
        assert "49" not in re.sub(
            r"[0-9a-f]{12}|\d{4}-\d\d-\d\d|value=\"[^\"]*\"", "", page.text
        ) or ("{{ 7*7 }}" in unescape(page.text))
    assert HOSTILE in unescape(olga.get("/rules/temp/preview").text)


def test_the_list_is_searched_filtered_and_paged_by_key(world: World, olga: Browser) -> None:
    for number in range(60):
        world.enforce(f"rule-{number:02}", **TEMP, mode="off" if number == 7 else "simulate")

    first = olga.get("/rules").text
    assert "rule-49" in words(first)
    assert "rule-50" not in words(first)
    following = re.search(r'rel="next" href="/doclife([^"]+)"', first)
    assert following is not None
    assert "rule-50" in olga.text(unescape(following[1]))
    assert "rule-07" in olga.text("/rules?mode=off")
    assert "rule-08" not in olga.text("/rules?mode=off")
    assert "No rule matches" in olga.text("/rules?q=nothing")
    assert olga.get("/rules?cursor=x").status_code == 422


def test_a_switch_of_mode_asks_and_makes_a_version(world: World, olga: Browser) -> None:
    world.add_document("x", tags=["temp"])
    world.enforce("temp", **TEMP, mode="simulate")
    page = olga.get("/rules/temp/mode?to=enforce").text
    assert "would be done 1" in words(page)

    answer = send(olga, "/rules/temp/mode", fields(page, form="/rules/temp/mode"))

    assert "Rule temp is now enforce, as version 2." in olga.follow(answer)
    assert saved(world, "temp").mode == "enforce"
    late = send(olga, "/rules/temp/mode", fields(page, form="/rules/temp/mode"))
    assert late.status_code == 409


def test_deleting_explains_asks_for_the_name_and_keeps_history(world: World, olga: Browser) -> None:
    world.add_document("x", tags=["temp"], created_on=world.now.date())
    world.enforce("temp", **TEMP, retain={"for": "1y", "after": "created_on"})
    page = olga.text("/rules/temp/delete")
    assert "is not protected by it any more" in page
    assert "1 no longer retained." in page

    assert olga.post("/rules/temp/delete", word="tmp").status_code == 409
    assert "out of use" in olga.follow(olga.post("/rules/temp/delete", word="temp"))
    assert olga.get("/rules/temp").status_code == 404
    assert value(world.conn, "SELECT count(*) FROM rule_versions") == 1


def test_a_copy_only_simulates_under_another_name(world: World, olga: Browser) -> None:
    world.enforce("temp", **TEMP)

    form = fields(olga.get("/rules/temp/copy").text)

    assert (form["name"], form["mode"], form["editing"]) == ("temp-copy", "simulate", "")
    assert send(olga, "/rules/-/draft/save", form).status_code == 303
    assert saved(world, "temp").mode == "enforce"


def test_two_versions_are_compared_in_text_and_in_documents(world: World, vic: Browser) -> None:
    world.add_document("x", tags=["temp"])
    world.enforce("temp", **TEMP, grace="1d")
    world.enforce("temp", **TEMP, grace="9d")

    shown = vic.text("/rules/temp/difference?from=1&to=2")

    assert "- grace: 1d" in shown.replace("-  grace", "- grace")
    assert "No document is due or retained differently." in shown
    assert "Version 1" in vic.text("/rules/temp/difference?to=1")
    assert vic.get("/rules/temp/difference?from=9").status_code == 404


def test_a_preview_of_a_chosen_date_pages_through_all_documents(world: World, vic: Browser) -> None:
    for number in range(55):
        world.add_document(f"d{number:02}", tags=["temp"])
    world.enforce("temp", **TEMP)

    first = vic.get("/rules/temp/preview?as_of=2099-01-31").text
    assert "55 due on 2099-01-31" in words(first)
    following = re.search(r'rel="next" href="/doclife([^"]+)"', first)
    assert following is not None
    assert "5 shown" in vic.text(unescape(following[1]))
    assert vic.get("/rules/temp/preview?as_of=tomorrow").status_code == 422
    assert value(world.conn, "SELECT count(*) FROM plans") == 0


def test_a_file_goes_out_and_comes_in_after_a_look(world: World, olga: Browser) -> None:
    world.enforce("temp", **TEMP)
    exported = olga.get("/rules/-/export")
    assert exported.text == export_rules(world.conn, organization="default")
    assert "attachment" in exported.headers["content-disposition"]
    text = exported.text.replace("name: temp", "name: temp2")

    looked = olga.post("/rules/-/import/check", text=text).text
    assert "temp2 added" in words(looked)
    assert value(world.conn, "SELECT count(*) FROM rules") == 1
    answer = olga.post("/rules/-/import", **fields(looked, form="/rules/-/import"))
    assert "Rules added: 1, changed: 0." in olga.follow(answer)


def test_a_bad_file_is_refused_whole_with_every_line(world: World, olga: Browser) -> None:
    text = "rules:\n- name: ok\n  trigger: {type: ON_SCHEDULE}\n- nome: x\n"

    answer = olga.post("/rules/-/import", text=text)

    assert answer.status_code == 422
    assert "Line 4:" in words(answer.text)
    other = olga.post("/rules/-/import/check", text="organization: another\nrules: []\n")
    assert other.status_code == 422
    content = ("a.yaml", b"\xff\xfe\xff", "text/yaml")
    uploaded = olga.request(
        "POST", "/rules/-/import/check", headers=SAME_ORIGIN,
        data={"form_token": olga.form_token}, files={"file": content},
    )  # fmt: skip
    assert "Save it as UTF-8" in words(uploaded.text)
    assert value(world.conn, "SELECT count(*) FROM rules") == 0


def test_viewers_see_rules_and_no_button_that_they_cannot_use(
    world: World, vic: Browser, people: People
) -> None:
    world.enforce("temp", **TEMP)

    shown = vic.text("/rules/temp")
    assert "Versions" in shown
    for button in ("Edit", "Delete", "Duplicate", "Run now", "Enforce"):
        assert button not in shown
    for path in ("/rules/-/new", "/rules/temp/edit", "/rules/temp/delete", "/rules/temp/run",
                 "/rules/-/import"):  # fmt: skip
        assert vic.get(path).status_code == 403, path
    for path in ("/rules/-/draft", "/rules/-/draft/save", "/rules/temp/mode", "/rules/temp/delete",
                 "/rules/temp/run", "/rules/-/import"):  # fmt: skip
        assert vic.post(path, mode="enforce", to="off", based_on="1").status_code == 403, path
    assert saved(world, "temp").mode == "enforce"


def test_only_a_rule_that_enforces_can_be_enforced_now(world: World, olga: Browser) -> None:
    world.enforce("temp", **TEMP, mode="simulate")

    assert "It cannot be enforced" in olga.text("/rules/temp/run")
    answer = olga.post("/rules/temp/run", mode="enforce")
    assert answer.status_code == 409
    assert "switch it to enforce first" in words(answer.text)
    assert olga.post("/rules/temp/run", mode="now").status_code == 422


def test_the_page_of_a_run_waits_for_its_plan(world: World, olga: Browser) -> None:
    version = world.enforce("temp", **TEMP)
    assert "The plan is being made" in olga.text("/runs/run_rule?run_id=manual__1")
    summary = plan_rule(
        world.conn,
        rule_version_id=version.version_id,
        now=world.now,
        as_of=world.now,
        dag_id="run_rule",
        run_id="manual__1",
        requested_by="user:olga",
    )

    answer = olga.get("/runs/run_rule?run_id=manual__1")

    assert answer.headers["location"].endswith(f"/plans/{summary.plan_id}")
    assert "data-done" in olga.get("/runs/run_rule/state?run_id=manual__1").text


def test_a_preview_says_what_is_not_due_yet_and_what_is_probably_not_meant(
    world: World, olga: Browser
) -> None:
    drafts = {"field": "document_type", "op": "eq", "value": "draft"}
    world.enforce("keeper", when=drafts, retain={"for": "permanent", "after": "created_on"})
    world.add_document("young", document_type="draft", created_on=world.now.date())
    form = fields(olga.get("/rules/-/new").text)
    form |= {"name": "drafts", "when.0.value": "draft", "actions.0.after": "1y"}
    form |= {"retain.for": "1mo", "retain.after": "created_on"}

    shown = words(send(olga, "/rules/-/draft/preview", form).text)

    assert "Selected, not due yet 1 the first on" in shown
    assert "Probably not meant" in shown
    assert "A DELETE of documents that rule keeper retains permanently" in shown


def test_how_long_the_link_of_a_warning_keeps_a_document_has_a_field(
    world: World, olga: Browser
) -> None:
    warn = {"before": ["30d"], "keep": "6mo"}
    world.enforce("temp", **TEMP, retain={"for": "1y", "after": "created_on"}, warn=warn)

    form = fields(olga.get("/rules/temp/edit").text)
    assert form["warn.keep"] == "6mo"
    send(olga, "/rules/-/draft/save", form | {"warn.keep": "3mo"})

    assert str(saved(world, "temp").keeps_for) == "3mo"
