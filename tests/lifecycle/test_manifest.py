import os
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from doclife.errors import ConfigurationError
from doclife.lifecycle.metadata_fields import declare_metadata_field
from doclife.lifecycle.registering import ImportResult, ProblemKind
from doclife.storage import uris
from doclife.storage.marker import MARKER_NAME
from doclife.store.connection import Connection
from tests.lifecycle.importing import NOW, Importer


@pytest.fixture
def importer(conn: Connection) -> Importer:
    for name, kind in {"project": "text", "pages": "int", "contract_end": "date"}.items():
        declare_metadata_field(
            conn, organization="default", name=name, metadata_type=kind, now=NOW, actor="user:olga"
        )
    return Importer(conn)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "papers"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / name).write_text(name)
    return folder


def import_rows(importer: Importer, folder: Path, text: str, **settings: Any) -> ImportResult:
    path = folder / "list.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return importer(path, **settings)


def test_a_manifest_says_everything_about_a_document(importer: Importer, folder: Path) -> None:
    result = import_rows(
        importer,
        folder,
        "external_id,path,title,document_type,owner,tags,expires_on,created_on,modified_on,"
        "last_accessed_on,media_type,metadata.project,metadata.pages,metadata.contract_end\n"
        'L-1,a,"Lease, 2020",lease,olga, x ; y;x;,2031-12-31,2020-01-02,2020-02-03,2020-03-04,'
        "text/plain,Alpha,12,2030-06-30\n",
    )

    assert (result.new, result.problem_count) == (1, 0)
    document = importer.document("L-1")
    assert {
        name: document[name] for name in ("title", "document_type", "owner", "tags", "media_type")
    } == {
        "title": "Lease, 2020",
        "document_type": "lease",
        "owner": "olga",
        "tags": ["x", "y"],
        "media_type": "text/plain",
    }
    assert [
        document[name] for name in ("expires_on", "created_on", "modified_on", "last_accessed_on")
    ] == [date(2031, 12, 31), date(2020, 1, 2), date(2020, 2, 3), date(2020, 3, 4)]
    assert document["metadata"] == {"project": "Alpha", "pages": 12, "contract_end": "2030-06-30"}


def test_importing_a_manifest_again_changes_nothing(importer: Importer, folder: Path) -> None:
    text = "path,title,tags,metadata.pages,created_on\na,A,x;y,1,2020-01-01\nb,,,,\n"
    import_rows(importer, folder, text)
    before = importer.everything()

    assert import_rows(importer, folder, text).unchanged == 2
    assert importer.everything() == before


def test_only_what_a_manifest_says_anew_changes(importer: Importer, folder: Path) -> None:
    import_rows(importer, folder, "path,title,owner,metadata.pages\na,A,olga,1\nb,B,olga,1\n")

    result = import_rows(
        importer, folder, "path,title,metadata.project\na,New,Alpha\nb,B,\n", owner="olga"
    )

    assert (result.changed, result.unchanged) == (1, 1)
    document = importer.document("papers/a")
    assert (document["title"], document["owner"]) == ("New", "olga")
    assert document["metadata"] == {"pages": 1, "project": "Alpha"}
    assert importer.audit()[-1] == "document.changed"


def test_a_row_says_more_than_an_option(importer: Importer, folder: Path) -> None:
    import_rows(
        importer,
        folder,
        "path,owner,metadata.pages\na,olga,\nb,,7\n",
        owner="all",
        metadata={"pages": "1"},
    )

    documents = importer.documents()
    assert [documents[name]["owner"] for name in ("papers/a", "papers/b")] == ["olga", "all"]
    assert [documents[name]["metadata"]["pages"] for name in ("papers/a", "papers/b")] == [1, 7]


def test_two_documents_may_share_their_bytes(importer: Importer, folder: Path) -> None:
    text = "external_id,path\none,a\ntwo,a\n"
    import_rows(importer, folder, text)

    documents = importer.documents()
    assert documents["one"]["stored_object_id"] == documents["two"]["stored_object_id"]
    assert documents["one"]["reference_count"] == 2

    (folder / "a").write_text("b")
    import_rows(importer, folder, "external_id,path\none,a\n")
    assert [document["version"] for document in importer.documents().values()] == [2, 2]


def test_a_document_may_move_to_another_file(importer: Importer, folder: Path) -> None:
    import_rows(importer, folder, "external_id,path\none,a\n")

    assert import_rows(importer, folder, "external_id,path\none,b\n").changed == 1
    assert importer.document("one")["uri"].endswith("/b")
    assert importer.rows("SELECT reference_count FROM stored_objects ORDER BY uri") == [
        {"reference_count": 0},
        {"reference_count": 1},
    ]


def test_bad_rows_are_reported_with_their_line_and_the_rest_imported(
    importer: Importer, folder: Path
) -> None:
    result = import_rows(
        importer,
        folder,
        "path,uri,title,created_on,metadata.pages,metadata.contract_end\n"
        "a,,good,,,\n"
        ",,nowhere,,,\n"
        "a,file:///b,both,,,\n"
        "b,,bad date,31.12.2020,,\n"
        "b,,no such day,2021-02-29,,\n"
        "b,,bad number,,many,\n"
        "b,,bad day,,,20301231\n"
        "b,,too few cells\n"
        "missing,,gone,,,\n"
        f"b,,{'x' * 501},,,\n"
        ",gs://bucket/x,unknown store,,,\n"
        "\n"
        "c,,\udce4,,,\n",
    )

    assert importer.documents().keys() == {"papers/a"}
    reported = {problem.path: (problem.kind, problem.reason) for problem in result.problems}
    manifest = f"{folder}/list.csv"
    bad = {
        3: "it must say either 'path' or 'uri'",
        4: "it must say either 'path' or 'uri'",
        5: "created_on: '31.12.2020' is not a date written YYYY-MM-DD",
        6: "created_on: '2021-02-29' is not a date written YYYY-MM-DD",
        7: "metadata.pages: 'many' is not a whole number of up to 18 digits",
        8: "metadata.contract_end: '20301231' is not a date written YYYY-MM-DD",
        9: "3 cells, and the header has 6",
        11: "title has 501 characters and 500 are allowed",
        14: "title is not UTF-8 text: '\N{REPLACEMENT CHARACTER}'",
    }
    for line, reason in bad.items():
        assert reported.pop(f"{manifest}:{line}") == (ProblemKind.BAD_ROW, reason)
    assert reported.pop(f"{folder}/missing")[0] is ProblemKind.VANISHED
    assert "gs" in reported.pop(f"{manifest}:12")[1]
    assert reported == {}
    assert result.refused_count == 11


def test_rows_that_name_one_document_twice_are_all_refused(
    importer: Importer, folder: Path
) -> None:
    result = import_rows(importer, folder, "external_id,path\nx,a\ny,b\nx,c\n,a\n,a\n")

    assert importer.documents().keys() == {"y"}
    assert [problem.kind for problem in result.problems] == [ProblemKind.DUPLICATE] * 4
    assert "line 4" in result.problems[0].reason


@pytest.mark.parametrize(
    ("header", "complaint"),
    [
        ("path,titel", "Did you mean 'title'"),
        ("title", "no column says where"),
        ("path,path", "there twice"),
        ("path;title", "unknown column"),
        ("path,metadata.unknown", "declare-field unknown"),
        ("", "no column says where"),
    ],
)
def test_a_wrong_header_registers_nothing(
    importer: Importer, folder: Path, header: str, complaint: str
) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        import_rows(importer, folder, f"{header}\na,b\n")
    assert importer.rows("SELECT * FROM stores") == []


def test_excels_byte_order_mark_is_no_part_of_a_name(importer: Importer, folder: Path) -> None:
    assert import_rows(importer, folder, "\ufeffpath\r\na\r\n").new == 1


def test_odd_file_names_can_be_listed(importer: Importer, folder: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(folder) + b"/\xe4\n"))
    odd.write_text("odd")

    assert import_rows(importer, folder, f"uri\n{uris.of_path(str(odd))}\n").new == 1
    assert import_rows(importer, folder, 'path\n"\udce4\n"\n').problem_count == 1
    assert import_rows(importer, folder, f'path\n"{folder}/\udce4\n\n"\n').refused_count == 1


def test_links_in_a_manifest_are_not_followed(importer: Importer, folder: Path) -> None:
    (folder / "link").symlink_to("a")

    result = import_rows(importer, folder, "path\nlink\n")

    assert (result.new, result.refused_count) == (0, 1)


def test_the_folder_above_all_listed_files_becomes_the_store(
    importer: Importer, folder: Path
) -> None:
    for name in ("one/a", "two/b", "two/c/d"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(name)
    lists = folder.parent / "lists"
    lists.mkdir()

    result = import_rows(
        importer, lists, "path\n../papers/one/a\n../papers/two/b\n../papers/two/c/d\n"
    )

    assert (result.new, result.store_name) == (3, "papers")
    assert (folder / MARKER_NAME).exists()
    assert importer.documents().keys() == {"papers/one/a", "papers/two/b", "papers/two/c/d"}


def test_objects_in_buckets_can_be_listed(
    conn: Connection, s3_options: dict[str, Any], s3_client: Any, bucket: str, folder: Path
) -> None:
    importer = Importer(conn, options=s3_options)
    for key in ("in/a b", "in/deep/c"):
        s3_client.put_object(Bucket=bucket, Key=key, Body=b"content")

    result = import_rows(
        importer,
        folder,
        f"external_id,uri\nx,s3://{bucket}/in/a b\ny,s3://{bucket}/in/deep/c\nz,s3://{bucket}/no\n",
        connection_id="aws",
    )

    assert (result.new, result.refused_count) == (2, 1)
    assert importer.rows("SELECT root_uri FROM stores") == [{"root_uri": f"s3://{bucket}"}]
