# One image for every process of the service.
ARG PYTHON_IMAGE=python:3.13-slim-trixie
FROM ${PYTHON_IMAGE} AS build
WORKDIR /app
RUN python3 -m venv /venv
COPY requirements.txt .
RUN /venv/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.txt

FROM ${PYTHON_IMAGE}
# Keys come from outside: one that a container made for itself would be unknown to the others.
ENV PATH=/venv/bin:$PATH \
    GENERATE_SECRETS=false \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    STATIC_ROOT=/app/staticfiles \
    VAR_DIR=/var/lib/school
RUN useradd --uid 10001 --no-create-home school && install -d -o school /var/lib/school
WORKDIR /app
COPY --from=build /venv /venv
COPY CHANGELOG.md manage.py ./
COPY school school
COPY tasks tasks
COPY api api
RUN VAR_DIR=/tmp/var python manage.py collectstatic --no-input --verbosity 0 && rm -rf /tmp/var
USER 10001
EXPOSE 8000
