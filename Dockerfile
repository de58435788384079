# Stage one builds, with the locked tools; stage two carries only what runs.
FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src
COPY requirements.lock requirements-runtime.lock ./
RUN python -m venv /tools && /tools/bin/pip install --quiet --require-hashes -r requirements.lock \
 && python -m venv /app && /app/bin/pip install --quiet --require-hashes -r requirements-runtime.lock
COPY . .
RUN /tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /app/bin/pip install --quiet --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --no-create-home chargeline
COPY --from=build /app /app
ENV PATH=/app/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001
# In a container MLLP listens beyond loopback: run with CHARGELINE_MLLP_HOST=0.0.0.0 and either
# CHARGELINE_MLLP_TLS_CERTIFICATE_FILE and _KEY_FILE, or CHARGELINE_ALLOW_PLAINTEXT=yes.
ENTRYPOINT ["chargeline"]
