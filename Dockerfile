# Every program of Gatehouse in one image; the command chooses which one runs.
FROM node:22-bookworm-slim AS build
RUN apt-get update \
  && apt-get install -y --no-install-recommends python3 make g++ \
  && rm -rf /var/lib/apt/lists/*
WORKDIR /app
COPY package.json package-lock.json ./
COPY shared/package.json shared/
COPY edge-agent/package.json edge-agent/
COPY aggregator/package.json aggregator/
COPY simulators/package.json simulators/
RUN npm install --no-save --no-audit --no-fund
COPY . .
RUN npx tsc -b simulators && npm prune --omit=dev --no-save --no-audit --no-fund

FROM node:22-bookworm-slim
ENV NODE_ENV=production
WORKDIR /app
COPY --from=build /app /app
RUN mkdir /data && chown node:node /data
USER node
VOLUME /data
CMD ["node", "aggregator/dist/main.js", "--config", "scripts/compose/aggregator.yaml"]
