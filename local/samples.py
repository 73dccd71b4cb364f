"""Sample documents with real bytes, and their rules, brought in with the commands a user types.

About seventy small files of several kinds, with dates relative to today, so that on the first day
some documents are archived, deleted, purged, retained, held, warned about and told about
(include/rules/starter.yaml says which and why).
"""

from __future__ import annotations

import csv
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from local.deliveries import HOOK, HOOK_CONNECTION
from local.state import ROOT, State

STARTER_RULES = ROOT / "include" / "rules" / "starter.yaml"
ORGANIZATION = "sample"
STAMP = "samples.json"
"""Written when the samples are loaded: purged files must not be asked for a second time."""
COLUMNS = (
    "path", "external_id", "title", "document_type", "owner", "tags", "created_on",
    "last_accessed_on", "expires_on", "metadata.contract_end", "metadata.project",
)  # fmt: skip
HELD = "drafts/draft-merger-letter.txt"

RunCli = Callable[[Sequence[str | Path]], None]


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One document: its file and what the manifest says about it."""

    path: str
    title: str
    document_type: str
    owner: str
    created_on: date
    tags: Sequence[str] = ()
    expires_on: date | None = None
    last_accessed_on: date | None = None
    metadata: dict[str, str] = field(default_factory=dict)

    def row(self) -> dict[str, str]:
        """Return the line of the manifest."""
        return {
            "path": f"documents/{self.path}",
            "external_id": self.path,
            "title": self.title,
            "document_type": self.document_type,
            "owner": self.owner,
            "tags": ";".join(self.tags),
            "created_on": self.created_on.isoformat(),
            "last_accessed_on": _iso(self.last_accessed_on),
            "expires_on": _iso(self.expires_on),
            **{f"metadata.{key}": value for key, value in self.metadata.items()},
        }


def load_samples(run_cli: RunCli, state: State, *, today: date, hook: str | None = None) -> bool:
    """Write the sample files and bring them in; return False when that was done before.

    Killed and called again, it begins anew, which changes nothing that was done.

    :param run_cli: runs one ``doclife`` command, and raises when it fails.
    :param today: what the samples' dates count from.
    :param hook: the URL that webhooks of the samples go to; None: they wait for an endpoint.
    """
    if state.read(STAMP) is not None:
        return False
    folder = state.folder / "samples"
    manifest = write_samples(folder, today=today)
    archive = state.folder / "archive"
    archive.mkdir(mode=0o700, exist_ok=True)
    for command in commands(
        manifest=manifest, documents=folder / "documents", archive=archive, hook=hook
    ):
        run_cli(command)
    state.write(STAMP, {"loaded_on": today.isoformat()})
    return True


def commands(
    *, manifest: Path, documents: Path, archive: Path, hook: str | None
) -> list[list[str | Path]]:
    """Return what a user would type, in order."""
    here: list[str | Path] = ["--organization", ORGANIZATION]
    # Its secret is a Connection that ./run gives to Airflow and to the catcher, which verifies.
    endpoint: list[list[str | Path]] = []
    if hook is not None:
        known = ("--exist-ok", "--connection", HOOK_CONNECTION)
        endpoint = [
            ["endpoints", "add", HOOK, hook, *known, "--event", "document.purged", *here],
        ]
    return [
        # Without a cooling-off and with an organization's limit that so few documents stay below,
        # so that every action happens on the first day. The limits of the whole deployment stay
        # as they are: see the minutes below.
        [
            *("organizations", "add", ORGANIZATION, "--exist-ok", "--title", "Sample documents"),
            *("--cooling-off-days", "0", "--max-fraction-per-day", "1"),
            *("--fallback-recipient", "records@example.org"),
        ],
        ["stores", "register", "samples", documents],
        ["stores", "register", "archive", archive],
        ["documents", "declare-field", "contract_end", "date", *here],
        ["documents", "declare-field", "project", "text", *here],
        ["documents", "import", manifest, *here],
        # Before the rules: a night that comes in between finds it held.
        [
            *("documents", "hold", "merger-2026", HELD, *here),
            *("--reason", "The merger is before the court."),
        ],
        *endpoint,
        ["rules", "apply", STARTER_RULES, *here],
    ]


def write_samples(folder: Path, *, today: date) -> Path:
    """Write every sample file and the manifest, whose path is returned.

    The same day gives the same bytes.
    """
    documents = folder / "documents"
    # One by one: with parents=True only the last one would get the mode.
    folder.mkdir(mode=0o700, exist_ok=True)
    documents.mkdir(mode=0o700, exist_ok=True)
    samples = list(every_sample(today))
    for sample in samples:
        file = documents / sample.path
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.write_bytes(content(sample))
    manifest = folder / "manifest.csv"
    with manifest.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(sample.row() for sample in samples)
    return manifest


def every_sample(today: date) -> Iterator[Sample]:
    """Yield the samples; each group says what becomes of it on the first day."""
    anna, ben, carla = (f"{name}@example.org" for name in ("anna", "ben", "carla"))

    def ago(days: int) -> date:
        return today - timedelta(days=days)

    # Archived: ended more than a year ago. The others are only kept.
    for number, (partner, ended_days_ago) in enumerate(
        (
            ("Nordwind GmbH", 2100), ("Atelier Blau", 1500), ("Hafen Logistik", 900),
            ("Öko-Strom eG", 500), ("Kline & Sons", 120), ("Papier Union", 20),
            ("Studio 7", -200), ("Stadtwerke", -700),
        ),
        start=1,
    ):  # fmt: skip
        yield Sample(
            path=f"contracts/contract-{number:03}.pdf",
            title=f"Service contract with {partner}",
            document_type="contract",
            owner=anna,
            created_on=ago(ended_days_ago + 1100),
            metadata={"contract_end": ago(ended_days_ago).isoformat(), "project": partner},
        )

    # Kept for ten years by a rule that does nothing else; the last one is also called `temp`.
    for number, (kind, days) in enumerate(
        (("pdf", 3900), ("pdf", 2500), ("csv", 1400), ("pdf", 800), ("html", 400), ("pdf", 150)),
        start=1,
    ):
        yield Sample(
            path=f"invoices/invoice-{ago(days):%Y}-{number:04}.{kind}",
            title=f"Invoice {ago(days):%Y}-{number:04}",
            document_type="invoice",
            owner=ben,
            tags=("temp",) if number == 6 else (),
            created_on=ago(days),
        )

    # Expired drafts: purged at once, but for those that are held, tagged `keep` or not yet due.
    for name, kind, expired_days_ago, tags in (
        ("price-list", "csv", 60, ("draft",)),
        ("press-release", "txt", 45, ("draft",)),
        ("office-move-plan", "html", 30, ("draft",)),
        ("team-offsite-agenda", "txt", 12, ("draft",)),
        ("merger-letter", "txt", 40, ("draft",)),
        ("brand-guide", "html", 25, ("draft", "keep")),
        ("travel-policy", "html", 3, ("draft",)),
        ("annual-report", "txt", -90, ("draft",)),
    ):
        yield Sample(
            path=f"drafts/draft-{name}.{kind}",
            title=f"Draft: {name.replace('-', ' ')}",
            document_type="draft",
            owner=carla,
            tags=tags,
            created_on=ago(expired_days_ago + 180),
            expires_on=ago(expired_days_ago),
        )

    # Temporary files: in the trash for a week, but for those that are young.
    for number, (kind, days) in enumerate(
        (("csv", 400), ("txt", 250), ("csv", 180), ("txt", 95), ("csv", 30), ("txt", 2)), start=1
    ):
        yield Sample(
            path=f"temporary/export-{ago(days):%Y-%m-%d}-{number}.{kind}",
            title=f"Export of {ago(days):%d %B %Y}",
            document_type="export",
            owner=ben,
            tags=("temp",),
            created_on=ago(days),
        )

    # Policies: warned about 30, 7 and 1 day before the day after they expire, told about then.
    for name, days_left in (
        ("information-security", 29), ("home-office", 6), ("visitors", 0), ("fire-safety", -1),
        ("data-protection", -2), ("purchasing", 200),
    ):  # fmt: skip
        yield Sample(
            path=f"policies/policy-{name}.html",
            title=f"Policy: {name.replace('-', ' ')}",
            document_type="policy",
            owner=anna,
            created_on=ago(700 - days_left),
            expires_on=today + timedelta(days=days_left),
        )

    # Reports that nobody opens: a rule that only simulates would archive them.
    for year_before, unread_days in ((5, 1500), (4, 1200), (2, 500), (1, 40)):
        year = today.year - year_before
        yield Sample(
            path=f"reports/report-{year}.csv",
            title=f"Yearly report {year}",
            document_type="report",
            owner=carla,
            created_on=date(year + 1, 1, 15),
            last_accessed_on=ago(unread_days),
        )

    # Letters: no rule is about them.
    for number, name in enumerate(("landlord", "insurance", "città-di-bolzano"), start=1):
        yield Sample(
            path=f"letters/{number:02}-{name}.txt",
            title=f"Letter to {name.replace('-', ' ')}",
            document_type="letter",
            owner=ben,
            created_on=ago(number * 37),
        )

    # Minutes: no rule is about them either. With them, what is archived and deleted on the first
    # day is less than a fifth of all documents, the limit of the deployment.
    for month in range(1, 35):
        day = ago(month * 30)
        yield Sample(
            path=f"minutes/minutes-{day.isoformat()}.html",
            title=f"Minutes of {day:%d %B %Y}",
            document_type="minutes",
            owner=carla,
            created_on=day,
        )


def content(sample: Sample) -> bytes:
    """Return bytes of the kind that the file's name promises."""
    # Repeatable, and different for every file.
    numbers = random.Random(sample.path)  # noqa: S311 - sample figures, not secrets
    kind = sample.path.rpartition(".")[2]
    if kind == "pdf":
        return pdf([sample.title, f"Owner: {sample.owner}", f"Date: {sample.created_on}"])
    if kind == "csv":
        lines = ["position,article,quantity,price"]
        lines += [
            f"{position},A-{numbers.randrange(1000, 9999)},{numbers.randrange(1, 90)},"
            f"{numbers.randrange(100, 99_999) / 100:.2f}"
            for position in range(1, 200)
        ]
        return ("\r\n".join(lines) + "\r\n").encode()
    text = f"{sample.title}\n\n" + "\n".join(
        f"{number}. Item {numbers.randrange(10_000)} was discussed and recorded."
        for number in range(1, 25)
    )
    if kind == "html":
        paragraphs = "".join(f"<p>{line}</p>\n" for line in text.splitlines() if line)
        return (
            f'<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>{sample.title}'
            f"</title>\n<body>\n{paragraphs}</body></html>\n"
        ).encode()
    return text.encode()


def pdf(lines: Sequence[str]) -> bytes:
    """Return a PDF of one page with these lines (ISO 32000-1, 7.5: header, body, xref, trailer)."""
    escaped = [line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)") for line in lines]
    shown = " T* ".join(f"({line}) Tj" for line in escaped)
    # The fonts that every reader has know Windows' Latin letters.
    page = f"BT /F1 14 Tf 18 TL 72 760 Td {shown} ET".encode("cp1252", "replace")
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R "
        b"/Resources << /Font << /F1 4 0 R >> >> >>",
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(page), page),
    ]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    places = []
    for number, body in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % place for place in places)
    out += b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (
        len(objects) + 1,
        table,
    )
    return bytes(out)


def _iso(day: date | None) -> str:
    return day.isoformat() if day else ""
