# One image for each process, from one build:  npm run images, or docker build --target payer -t stakebts/payer .
# Targets: ingester, scheduler, payer, watcher, console, cli (migrations and the operators' command), backup, devnet.
#
# Base images are pinned by version and digest: a tag can be moved. `npm run images -- --pin` writes what their tags name today.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6
# The server's version in docker-compose.yml: pg_dump must not be older than the server.
ARG POSTGRES_IMAGE=postgres:18.6-bookworm@sha256:1c59e2c3c818eaa0f0628f695b36e7c9e362d6b219b36a54a32df645cbd7e1af

FROM ${NODE_IMAGE} AS build
WORKDIR /src
ENV TURBO_TELEMETRY_DISABLED=1
# Settings and authorities of a registry of your own come as secrets, and are in no layer:
#   docker build --secret id=npmrc,src=$HOME/.npmrc --secret id=ca,src=/etc/ssl/certs/ca-certificates.crt …
# The npm of package.json: it is the first that refuses scripts of packages unless they are allowed.
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
  if [ -s /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
  npm install --global npm@11.19.1
# What is installed depends on these alone: a change of source installs nothing.
COPY package.json package-lock.json ./
COPY apps/cli/package.json apps/cli/
COPY apps/console/package.json apps/console/
COPY apps/ingester/package.json apps/ingester/
COPY apps/payer/package.json apps/payer/
COPY apps/scheduler/package.json apps/scheduler/
COPY apps/watcher/package.json apps/watcher/
COPY packages/bitshares/package.json packages/bitshares/
COPY packages/core/package.json packages/core/
COPY packages/devnet/package.json packages/devnet/
COPY packages/kernel/package.json packages/kernel/
COPY packages/testkit/package.json packages/testkit/
COPY absent absent
COPY scripts/prune-packages.mjs scripts/
RUN --mount=type=secret,id=npmrc,target=/root/.npmrc --mount=type=secret,id=ca \
  if [ -s /run/secrets/ca ]; then export NODE_EXTRA_CA_CERTS=/run/secrets/ca; fi; \
  npm ci --strict-allow-scripts --no-audit --no-fund
COPY . .
# What each program says it was built from.
ARG REVISION=""
ARG VERSION=""
# What each image holds: the program and the few packages that stay beside it (ccxt is in the payer's alone).
RUN npm run -s build && \
  for program in apps/ingester apps/scheduler apps/payer apps/watcher apps/console apps/cli packages/devnet; do \
  deploy/image/assemble.sh "$program" "/images/${program#*/}" || exit 1; done

# pg_dump, pg_restore and psql of the server's version, with the libraries that they load. Those of glibc are in every Debian 12.
FROM ${POSTGRES_IMAGE} AS postgres-client
RUN set -e; cd "$(dirname "$(readlink -f "$(command -v pg_dump)")")"; mkdir -p /client/usr/local/bin; \
  cp pg_dump pg_restore psql /client/usr/local/bin/; \
  ldd pg_dump pg_restore psql | sed -n 's|.* => \(/[^ ]*\) .*|\1|p' | sort -u | \
  grep -vE '/(libc|libm|libdl|librt|libpthread|libresolv)\.so' | while read -r library; do \
  mkdir -p "/client/usr/lib/postgresql-client"; cp -L "$library" /client/usr/lib/postgresql-client/; done

# No shell is needed from here on; files belong to root, and the process runs as a user who owns none of them.
FROM ${NODE_IMAGE} AS runtime
# npm and yarn have no business beside keys.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
# A library calls Buffer() without new, and a bundle hides that it is one: the warning is a line in the log that is no JSON and has no use.
ENV NODE_ENV=production NODE_OPTIONS=--disable-warning=DEP0005
ARG REVISION=""
ARG VERSION=""
LABEL org.opencontainers.image.title="StakeBTS" \
  org.opencontainers.image.description="Custodian payout cluster for staking agreements on BitShares" \
  org.opencontainers.image.revision="${REVISION}" \
  org.opencontainers.image.version="${VERSION}"
WORKDIR /app
USER 10001:10001
# Each process finishes its current step, for at most 20 seconds, and exits with 0.
STOPSIGNAL SIGTERM
# Not the script of the base image: it would be process 1 and is a shell.
ENTRYPOINT []

FROM runtime AS ingester
COPY --from=build /images/ingester ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9101
EXPOSE 9101
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9101/healthz"]
CMD ["node", "--heap-growing-percent=15", "--max-semi-space-size=2", "--liftoff-only", "--v8-pool-size=1", "apps/ingester/dist/main.js"]

FROM runtime AS scheduler
COPY --from=build /images/scheduler ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9102
EXPOSE 9102
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9102/healthz"]
CMD ["node", "--heap-growing-percent=15", "--max-semi-space-size=2", "--liftoff-only", "--v8-pool-size=1", "apps/scheduler/dist/main.js"]

FROM runtime AS payer
COPY --from=build /images/payer ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9103
EXPOSE 9103
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9103/healthz"]
CMD ["node", "--heap-growing-percent=15", "--max-semi-space-size=2", "--liftoff-only", "--v8-pool-size=1", "apps/payer/dist/main.js"]

FROM runtime AS watcher
COPY --from=build /images/watcher ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9105
EXPOSE 9105
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9105/healthz"]
CMD ["node", "--heap-growing-percent=15", "--max-semi-space-size=2", "--liftoff-only", "--v8-pool-size=1", "apps/watcher/dist/main.js"]

FROM runtime AS console
COPY --from=build /images/console ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9104
# As the compose file publishes it. Another: the setting.
ENV STAKEBTS_CONSOLE_ORIGIN=http://127.0.0.1:8400
EXPOSE 8400 9104
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9104/healthz"]
CMD ["node", "--liftoff-only", "apps/console/dist/main.js"]

# docker run … stakebts/cli status. A command that ends has no health to be asked for.
FROM runtime AS cli
COPY --from=build /images/cli ./
ENTRYPOINT ["node", "apps/cli/bin/stakebts.js"]
HEALTHCHECK NONE
CMD ["--help"]

FROM runtime AS backup
COPY --from=postgres-client /client /
COPY --from=build /images/cli ./
USER root
# A new volume takes over the owner of the folder that it is mounted on.
RUN echo /usr/lib/postgresql-client >/etc/ld.so.conf.d/postgresql-client.conf && ldconfig && \
  install -d -o 10001 -g 10001 -m 0700 /var/backups/stakebts
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "apps/cli/bin/stakebts.js"]
HEALTHCHECK --interval=5m --timeout=10s --start-period=15m --retries=2 \
  CMD ["node", "deploy/image/fresh.mjs", "/var/backups/stakebts", ".dump", "9"]
CMD ["backup", "--dir", "/var/backups/stakebts", "--every", "4h"]

# A chain for development, with keys that everybody knows. Never beside real money.
FROM runtime AS devnet
COPY --from=build /images/devnet ./
EXPOSE 8090 8095 8099
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:8099/control"]
CMD ["node", "packages/devnet/dist/main.js", "--host", "0.0.0.0", "--exchange-port", "8095"]
