# The image of every part of a deployment: Airflow's components, workers, the init job and the
# command line. docker-compose.yaml builds it; docs/deploy.md says how to build and push it by hand.
#
# The base is pinned by version; for bytes that can never change, add the digest that
# `docker buildx imagetools inspect python:3.12.12-slim-bookworm` shows. A mirror of your own:
# docker build --build-arg BASE=registry.example.com/python:3.12.12-slim-bookworm .
ARG BASE=python:3.12.12-slim-bookworm

# ---------------------------------------------------------------- packages: nothing is compiled
FROM ${BASE} AS packages
COPY requirements.txt /tmp/requirements.txt
# --no-deps: the lock is complete. --only-binary: so no compiler is needed, here or in the image.
RUN python -m venv /opt/venv \
    && /opt/venv/bin/python -m pip install --no-cache-dir --disable-pip-version-check \
        --no-deps --require-hashes --only-binary :all: -r /tmp/requirements.txt \
    && /opt/venv/bin/python -m pip check

# ---------------------------------------------------------------- the image
FROM ${BASE}
# tini is process 1: it hands SIGTERM to the one process it started (Celery's main process, which
# then lets its tasks end) and reaps what tasks leave behind, under Docker and Kubernetes alike.
RUN apt-get update \
    && apt-get install -y --no-install-recommends tini \
    && rm -rf /var/lib/apt/lists/*
# User and group as in Airflow's own image, which its Helm chart expects. Group 0 may write where
# the user may, for clusters that choose the user themselves (OpenShift). Airflow's home is sticky:
# files may be added to it, but what root put there stays.
RUN useradd --uid 50000 --gid 0 --no-create-home --home-dir /opt/airflow --shell /bin/sh airflow \
    && mkdir -p /opt/airflow/logs /documents /archive \
    && chown airflow:0 /opt/airflow/logs /documents /archive \
    && chmod 770 /opt/airflow/logs /documents /archive \
    && chmod 1775 /opt/airflow
COPY --from=packages /opt/venv /opt/venv
# Code belongs to root: what runs as airflow cannot change it.
COPY deploy/doclife /usr/local/bin/doclife
COPY LICENSE /opt/airflow/LICENSE
COPY local/__init__.py local/databases.py /opt/airflow/local/
COPY deploy /opt/airflow/deploy
COPY include /opt/airflow/include
COPY dags /opt/airflow/dags
COPY plugins /opt/airflow/plugins

ENV AIRFLOW_HOME=/opt/airflow \
    AIRFLOW__CORE__DAGS_FOLDER=/opt/airflow/dags \
    AIRFLOW__CORE__PLUGINS_FOLDER=/opt/airflow/plugins \
    AIRFLOW__CORE__LOAD_EXAMPLES=False \
    AIRFLOW__FAB__CONFIG_FILE=/opt/airflow/deploy/webserver_config.py \
    PATH=/opt/venv/bin:$PATH \
    PYTHONPATH=/opt/airflow/plugins \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NO_COLOR=1
RUN python -m compileall -q /opt/airflow/plugins /opt/airflow/dags /opt/airflow/deploy \
        /opt/airflow/local \
    && chmod 755 /usr/local/bin/doclife

# A number, so that Kubernetes can see that it is not root.
USER 50000
WORKDIR /opt/airflow
ENTRYPOINT ["/usr/bin/tini", "--"]
CMD ["airflow", "version"]
