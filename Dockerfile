# Stage one builds, with locked tools; stage two carries only what runs. Make it with
#
#     docker build --build-arg REVISION="$(git rev-parse HEAD)" --tag chargeline:0.2.0 .
#
# The base is named by its digest: a tag may be another image tomorrow. Renew it with
# `docker buildx imagetools inspect docker.io/library/python:3.12-slim`, or give your own mirror and
# digest with --build-arg PYTHON_IMAGE=REGISTRY/python:3.12-slim@sha256:…
ARG PYTHON_IMAGE=docker.io/library/python:3.12-slim@sha256:2fe5997d249a808b8eeea52c58a1dbffbba28754dc11699ef5c029f2d818ce79

FROM ${PYTHON_IMAGE} AS build
ENV PIP_CACHE_DIR=/var/cache/pip PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
COPY requirements-build.lock requirements-runtime.lock ./
# The cache is a mount of the builder and no part of the image.
# hadolint ignore=DL3042
RUN --mount=type=cache,target=/var/cache/pip \
    python -m venv --without-pip /tools \
 && pip --python /tools/bin/python install --quiet --require-hashes -r requirements-build.lock \
 && python -m venv --without-pip /app \
 && /tools/bin/pip --python /app/bin/python install --quiet --require-hashes -r requirements-runtime.lock
COPY pyproject.toml LICENSE ./
COPY rules rules
COPY services services
RUN /tools/bin/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /tools/bin/pip --python /app/bin/python install --quiet --no-deps --no-index /wheels/*.whl \
 && /tools/bin/cyclonedx-py environment --no-validate --output-reproducible --pyproject pyproject.toml \
      --output-file /app/sbom.cdx.json /app/bin/python

FROM ${PYTHON_IMAGE}
ARG PYTHON_IMAGE
ARG VERSION=0.2.0
ARG REVISION=unknown
ARG SOURCE=unknown
LABEL org.opencontainers.image.title="chargeline" \
      org.opencontainers.image.description="Drafts explained charges of oncology visits from a hospital's HL7 v2 medication feed" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"
# What the base brings for building is removed, too. The volume holds the ledger of `serve`.
RUN rm -rf /usr/local/bin/pip* /usr/local/lib/python3.*/ensurepip /usr/local/lib/python3.*/site-packages/pip* \
 && groupadd --system --gid 10001 chargeline \
 && useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/chargeline \
      --shell /usr/sbin/nologin chargeline \
 && install --directory --mode=0700 --owner=10001 --group=10001 /var/lib/chargeline
COPY --from=build /app /app
# Both listen to other machines. MLLP then needs CHARGELINE_MLLP_TLS_CERTIFICATE_FILE and _KEY_FILE,
# or CHARGELINE_ALLOW_PLAINTEXT=yes where something else encrypts; without, no program starts.
ENV PATH=/app/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    CHARGELINE_HTTP_HOST=0.0.0.0 \
    CHARGELINE_MLLP_HOST=0.0.0.0
USER 10001:10001
WORKDIR /var/lib/chargeline
VOLUME ["/var/lib/chargeline"]
EXPOSE 2575 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen('http://127.0.0.1:' + os.environ.get('CHARGELINE_HTTP_PORT', '8080') + '/healthz', timeout=2)"]
ENTRYPOINT ["chargeline"]
CMD ["--help"]
