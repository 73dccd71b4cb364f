"""Takes back a plan, by its number."""

from airflow.sdk import DAG, Param

from doclife.operators.undo import UndoPlanOperator

with DAG(dag_id="undo_a_plan", schedule=None, params={"plan": Param(1, type="integer")}):
    UndoPlanOperator(task_id="undo", plan_id="{{ params.plan }}")
