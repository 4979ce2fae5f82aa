# One image for each process, from one build:  docker build --target payer -t stakebts/payer .
# Targets: ingester, scheduler, payer, watcher, console, cli (migrations and the operators' command), backup, devnet.
#
# Base images are pinned by version here. Pin them by digest where you build (docs/deploy.md says how): a tag can be moved.
ARG NODE_IMAGE=node:20.20.2-bookworm-slim
# The server's version in docker-compose.yml: pg_dump must not be older than the server.
ARG POSTGRES_IMAGE=postgres:18.4-bookworm

FROM ${NODE_IMAGE} AS build
WORKDIR /src
ENV TURBO_TELEMETRY_DISABLED=1
# The npm of package.json: it is the first that refuses scripts of packages unless they are allowed.
RUN npm install --global npm@11.19.1
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
RUN npm ci --strict-allow-scripts --no-audit --no-fund
COPY . .
RUN npm run -s build

# What each image holds: the compiled app and the packages that it needs, nothing else (ccxt is in the payer's alone).
FROM build AS ingester-files
RUN deploy/image/assemble.sh apps/ingester /out
FROM build AS scheduler-files
RUN deploy/image/assemble.sh apps/scheduler /out
FROM build AS payer-files
RUN deploy/image/assemble.sh apps/payer /out
FROM build AS watcher-files
RUN deploy/image/assemble.sh apps/watcher /out
FROM build AS console-files
RUN deploy/image/assemble.sh apps/console /out
FROM build AS cli-files
RUN deploy/image/assemble.sh apps/cli /out
FROM build AS devnet-files
RUN deploy/image/assemble.sh packages/devnet /out

# No shell is needed from here on; files belong to root, and the process runs as a user who owns none of them.
FROM ${NODE_IMAGE} AS runtime
# npm and yarn have no business beside keys.
RUN rm -rf /usr/local/lib/node_modules /opt/yarn-* /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn /usr/local/bin/yarnpkg
ENV NODE_ENV=production
WORKDIR /app
USER 10001:10001
# Each process finishes its current step, for at most 20 seconds, and exits with 0.
STOPSIGNAL SIGTERM
# Not the script of the base image: it would be process 1 and is a shell.
ENTRYPOINT []

FROM runtime AS ingester
COPY --from=ingester-files /out ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9101
EXPOSE 9101
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9101/healthz"]
CMD ["node", "--optimize-for-size", "--max-semi-space-size=2", "apps/ingester/dist/main.js"]

FROM runtime AS scheduler
COPY --from=scheduler-files /out ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9102
EXPOSE 9102
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9102/healthz"]
CMD ["node", "--optimize-for-size", "--max-semi-space-size=2", "apps/scheduler/dist/main.js"]

FROM runtime AS payer
COPY --from=payer-files /out ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9103
EXPOSE 9103
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9103/healthz"]
CMD ["node", "--optimize-for-size", "--max-semi-space-size=2", "apps/payer/dist/main.js"]

FROM runtime AS watcher
COPY --from=watcher-files /out ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9105
EXPOSE 9105
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9105/healthz"]
CMD ["node", "--optimize-for-size", "--max-semi-space-size=2", "apps/watcher/dist/main.js"]

FROM runtime AS console
COPY --from=console-files /out ./
ENV STAKEBTS_HTTP_HOST=0.0.0.0 STAKEBTS_HTTP_PORT=9104
EXPOSE 8400 9104
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:9104/healthz"]
CMD ["node", "apps/console/dist/main.js"]

# docker run … stakebts/cli status. A command that ends has no health to be asked for.
FROM runtime AS cli
COPY --from=cli-files /out ./
ENTRYPOINT ["node", "apps/cli/bin/stakebts.js"]
HEALTHCHECK NONE
CMD ["--help"]

# The server's own image with Node put in: pg_dump is of the server's version by construction, and both are Debian 12, so
# that node finds the libraries it was built for. Larger than a client alone, and without a second package source.
FROM ${POSTGRES_IMAGE} AS backup
COPY --from=runtime /usr/local/bin/node /usr/local/bin/node
ENV NODE_ENV=production
WORKDIR /app
COPY --from=cli-files /out ./
# A new volume takes over the owner of the folder that it is mounted on.
RUN install -d -o 10001 -g 10001 -m 0700 /var/backups/stakebts
USER 10001:10001
STOPSIGNAL SIGTERM
ENTRYPOINT ["node", "apps/cli/bin/stakebts.js"]
HEALTHCHECK --interval=5m --timeout=10s --start-period=15m --retries=2 \
  CMD ["node", "deploy/image/fresh.mjs", "/var/backups/stakebts", ".dump", "9"]
CMD ["backup", "--dir", "/var/backups/stakebts", "--every", "4h"]

# A chain for development, with keys that everybody knows. Never beside real money.
FROM runtime AS devnet
COPY --from=devnet-files /out ./
EXPOSE 8090 8095 8099
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
  CMD ["node", "deploy/image/answers.mjs", "http://127.0.0.1:8099/control"]
CMD ["node", "packages/devnet/dist/main.js", "--host", "0.0.0.0", "--exchange-port", "8095"]
