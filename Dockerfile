# tbp without torch and asv: reports, comparisons, hotspots and checks of results that lie in /work.
#
#     docker build --tag tbp .
#     docker run --rm --user "$(id -u):$(id -g)" --volume "$PWD:/work" tbp report
#
# To measure, add asv and torch: docker build --build-arg EXTRAS='[bench]' --tag tbp-bench .
# For a build that never changes, name the base by its digest: --build-arg BASE=python@sha256:…
ARG BASE=python:3.13-slim-bookworm
FROM ${BASE} AS build
ARG EXTRAS=""
WORKDIR /source
COPY . .
RUN python -m venv /opt/tbp \
    && /opt/tbp/bin/pip install --no-cache-dir --constraint constraints.txt ".${EXTRAS}"

FROM ${BASE}
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends git \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --create-home --uid 1000 tbp \
    && git config --system --add safe.directory /work
COPY --from=build /opt/tbp /opt/tbp
ENV PATH=/opt/tbp/bin:$PATH \
    TBP_NO_CACHE=1
USER 1000:1000
WORKDIR /work
ENTRYPOINT ["tbp"]
