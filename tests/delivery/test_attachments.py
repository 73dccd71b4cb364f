"""Files that go with a mail: the same bytes arrive, whichever service carries them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from doclife.delivery.attachments import read_attachments
from doclife.delivery.outcome import Outcome
from doclife.errors import ConfigurationError
from tests.delivery.mail_servers import Mailbox, mail_server
from tests.delivery.mail_vendors import Vendor
from tests.delivery.test_mail_vendors import BULK, SERVICES, through
from tests.delivery.test_smtp import deliver, mail, outcomes, service

CONTENT = b"\xef\xbb\xbfname,size\r\nann,1\r\n" + bytes(range(256))


def attachment(**changed: Any) -> dict[str, Any]:
    content = base64.b64encode(CONTENT).decode()
    return {"name": "Año 1.csv", "media_type": "text/csv", "content": content, **changed}


def test_arrives_over_smtp_beside_text_and_html() -> None:
    mailbox = Mailbox()
    message = mail(1, html="<p>Hello</p>", attachments=[attachment()])

    with mail_server(mailbox) as port:
        attempts = deliver([message], service(port))

    assert outcomes(attempts) == [Outcome.SENT]
    [(_, arrived)] = mailbox.mails
    [file] = arrived.iter_attachments()
    assert file.get_filename() == "Año 1.csv"
    assert file.get_content_type() == "text/csv"
    assert file.get_payload(decode=True) == CONTENT
    assert arrived.get_body(("html",)).get_content().strip() == "<p>Hello</p>"
    assert arrived.get_body(("plain",)) is not None


@pytest.mark.parametrize("name", BULK)
def test_goes_to_a_vendor_as_it_wants_it(name: str) -> None:
    vendor = Vendor()
    messages = [mail(1, attachments=[attachment()]), mail(2, "eva@example.org")]

    attempts, calls = through(messages, SERVICES[name], BULK[name](vendor))

    assert outcomes(attempts) == [Outcome.SENT, Outcome.SENT]
    assert calls == 2  # who gets no file is not sent one
    with_file = [
        call.get("attachments") or call.get("attachment")
        for call in vendor.calls
        if "attachments" in call or "attachment" in call
    ]
    [[file]] = with_file
    if name == "sendgrid":
        assert file == {
            "content": base64.b64encode(CONTENT).decode(),
            "filename": "Año 1.csv",
            "type": "text/csv",
        }
    else:
        assert file == ("Año 1.csv", "text/csv", CONTENT)


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ("x", "no list"),
        ([attachment()] * 11, "no list of at most 10"),
        (["x"], "no name of a file"),
        ([attachment(name="../x")], "no name of a file"),
        ([attachment(name='a"b')], "no name of a file"),
        ([attachment(name="a\r\nBcc: x")], "no name of a file"),
        ([attachment(media_type="text/csv; x=1")], "'media_type' is none"),
        ([attachment(content="ä")], "no base64"),
        ([attachment(content=base64.b64encode(b"x" * 7_000_001).decode())], "more than 7,000,000"),
    ],
)
def test_what_is_no_file_is_refused(given: Any, fault: str) -> None:
    with pytest.raises(ConfigurationError, match=fault):
        read_attachments(given)
