# The program as an image: docker build --tag eventstorm .
# With the drivers of stores:  --build-arg DRIVERS="@duckdb/node-api@1.5.6-r.1 mongodb@7.8.0 cassandra-driver@4.10.0"
# How it is run, and what it was never tried with: docs/OPERATIONS.md

FROM node:22-bookworm-slim AS build
WORKDIR /build
# First what seldom changes.
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
# What is published, and nothing else, at the versions of the lock file. zeromq brings its binaries; no script is needed.
RUN npm run build \
  && npm pack --ignore-scripts --pack-destination /tmp \
  && mkdir /eventstorm \
  && tar --extract --file /tmp/eventstorm-*.tgz --directory /eventstorm --strip-components 1 \
  && cp package-lock.json /eventstorm/
WORKDIR /eventstorm
ARG DRIVERS=""
# hadolint ignore=DL3016,SC2086
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
  && if [ -n "$DRIVERS" ]; then npm install --no-save --ignore-scripts --no-audit --no-fund $DRIVERS; fi

FROM node:22-bookworm-slim
COPY --from=build /eventstorm /opt/eventstorm
# Relative paths of a pipeline file lead here.
RUN install --directory --owner=node --group=node --mode=0750 /var/lib/eventstorm
WORKDIR /var/lib/eventstorm
# The user node, as a number, so that a cluster can see that it is not root.
USER 1000:1000
# Alive, not ready: what kills unhealthy containers would not bring a store back by that.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
  CMD ["node", "--eval", "fetch('http://127.0.0.1:9464/livez').then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/eventstorm/dist/cli/eventstorm.js"]
CMD ["up", "/etc/eventstorm/pipeline.yaml", "--metrics", "9464"]
