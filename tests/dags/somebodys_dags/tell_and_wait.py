"""Tells another application about documents, and waits until it knows."""

from datetime import timedelta

from airflow.sdk import DAG, Param

from doclife.operators.webhook import WebhookOperator

with DAG(
    dag_id="tell_and_wait",
    schedule=None,
    params={
        "documents": Param([], type="array", items={"type": "string"}),
    },
):
    WebhookOperator(
        task_id="tell",
        external_ids="{{ params.documents | tojson }}",
        reason="they have changed",
        endpoint="erp",
        wait_for_delivery=True,
        delivery_timeout=timedelta(minutes=10),
    )
