"""What a deployment runs beside Airflow itself: see docs/deploy.md."""
