"""The naive way to archive documents with Airflow: one mapped task for each.

A DAG as one writes it first: a query, then for every row a task that copies the file, compares the
checksums and marks the row. It records nothing of what it did but the row's status.
"""

import hashlib
import shutil
from pathlib import Path

from airflow.providers.postgres.hooks.postgres import PostgresHook
from airflow.sdk import DAG, task

with DAG(dag_id="one_task_per_document", schedule=None, catchup=False):

    @task
    def list_due() -> list[int]:
        rows = PostgresHook("documents").get_records(
            "SELECT id FROM naive.documents WHERE status = 'active' AND due_on < now() ORDER BY id"
        )
        return [row[0] for row in rows]

    @task
    def archive(document_id: int) -> None:
        hook = PostgresHook("documents")
        path, copy_path = hook.get_first(
            "SELECT path, copy_path FROM naive.documents WHERE id = %s", (document_id,)
        )
        shutil.copy2(path, copy_path)
        there, here = (hashlib.sha256(Path(p).read_bytes()).digest() for p in (path, copy_path))
        if there != here:
            raise RuntimeError(f"{copy_path} is not what {path} is")
        hook.run(
            "UPDATE naive.documents SET status = 'archived' WHERE id = %s",
            parameters=(document_id,),
        )

    archive.expand(document_id=list_due())
