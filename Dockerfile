# The images of Gatehouse, one a target:
#   docker build --target aggregator -t gatehouse/aggregator .
#   docker build --target edge-agent -t gatehouse/edge-agent .
#   docker build --target simulators -t gatehouse/simulators .
# They share one build stage, in which the native modules are compiled once for all of them.
#
# The base is pinned by version. To pin its very bytes, take the digest that `docker buildx imagetools inspect IMAGE` prints:
#   docker build --build-arg NODE_IMAGE=docker.io/library/node:22.23.3-bookworm-slim@sha256:… .
ARG NODE_IMAGE=docker.io/library/node:22.23.3-bookworm-slim

FROM ${NODE_IMAGE} AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends g++ make python3 \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /build
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY edge-agent/package.json edge-agent/
COPY aggregator/package.json aggregator/
COPY simulators/package.json simulators/
COPY monitoring/package.json monitoring/
COPY scripts/images/install.mjs scripts/images/manifests.mjs scripts/images/
# The secret is optional: an .npmrc for a registry that asks for one. It stays out of every layer.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc node scripts/images/install.mjs
# From source, for binaries that others compiled may want a newer C library; against the headers that came with Node.js.
RUN JOBS=max npm_config_nodedir=/usr/local npm rebuild --build-from-source --loglevel=error sqlite3 epoll
COPY . .
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc \
  node_modules/.bin/tsc -b simulators && node scripts/images/assemble.mjs /images

# What a program needs of the base to run: no package manager of Node.js, no headers, nothing that changes the user.
FROM ${NODE_IMAGE} AS lean
RUN rm -rf /usr/local/include /usr/local/lib/node_modules /usr/local/share /usr/local/bin/np[mx] /usr/local/bin/yarn* \
  /usr/local/bin/corepack /opt/yarn* /usr/share/doc /usr/share/man \
  && find / -xdev -type f -perm /6000 -exec chmod a-s {} + \
  && install -d -o node -g node /data /handover
COPY scripts/images/healthy.mjs /app/

FROM scratch AS base
COPY --from=lean / /
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  NODE_ENV=production
WORKDIR /app
ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.vendor="Gatehouse" \
  org.opencontainers.image.licenses="MIT" \
  org.opencontainers.image.version="${VERSION}" \
  org.opencontainers.image.revision="${REVISION}"

FROM base AS simulators
LABEL org.opencontainers.image.title="Gatehouse simulators" \
  org.opencontainers.image.description="Traffic for simulated gates, replay of recordings, tests of a whole site."
COPY --from=build /images/simulators ./
USER node
ENV HEALTH_URL=http://127.0.0.1:8090/gates
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/healthy.mjs"]
ENTRYPOINT ["node", "simulators/dist/main.js"]
CMD ["--help"]

FROM base AS edge-agent
LABEL org.opencontainers.image.title="Gatehouse edge agent" \
  org.opencontainers.image.description="Runs the gates of one cabinet: lanes, outbox, link to the aggregator."
COPY --from=build /images/edge-agent ./
USER node
ENV GATEHOUSE_EDGE_DATA_DIR=/data HEALTH_URL=http://127.0.0.1:8001/healthz
VOLUME ["/data"]
EXPOSE 8001
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/healthy.mjs"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "edge-agent/dist/main.js"]
CMD ["--config", "/etc/gatehouse/edge.yaml"]

FROM base AS aggregator
LABEL org.opencontainers.image.title="Gatehouse aggregator" \
  org.opencontainers.image.description="Assigns slots, stores sessions, talks to the edge agents and serves the API."
COPY --from=build /images/aggregator ./
USER node
ENV GATEHOUSE_DATA_DIR=/data HEALTH_URL=http://127.0.0.1:8000/readyz
VOLUME ["/data"]
EXPOSE 8000 1883
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s --retries=3 CMD ["node", "/app/healthy.mjs"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "aggregator/dist/main.js"]
