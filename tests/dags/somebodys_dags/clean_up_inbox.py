"""Puts the documents that a form names into the trash."""

from airflow.sdk import DAG, Param

from doclife.operators.delete import DeleteOperator
from doclife.operators.retrying import FullJitter

with DAG(
    dag_id="clean_up_inbox",
    schedule=None,
    params={"documents": Param([], type="array", items={"type": "string"})},
    default_args={"retries": 2, "retry_policy": FullJitter()},
):
    DeleteOperator(
        task_id="delete",
        external_ids="{{ params.documents | tojson }}",
        reason="asked for by {{ dag_run.triggering_user_name }}",
    )
