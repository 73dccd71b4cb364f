"""What a laptop needs to run doclife: a private PostgreSQL, Airflow's four components, first data.

``run`` in the project's root is the way in. Production uses none of this.
"""
