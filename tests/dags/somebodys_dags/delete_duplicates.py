"""Puts into the trash what a task before it found."""

from airflow.sdk import DAG, task

from doclife.operators.delete import DeleteOperator


@task
def find_duplicates() -> list[str]:
    return ["two"]


with DAG(dag_id="delete_duplicates", schedule=None):
    DeleteOperator(task_id="delete", external_ids=find_duplicates(), reason="duplicates")
