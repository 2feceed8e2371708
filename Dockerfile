# Built from a checkout: docker build -t artifacts-mcp .
FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY . .
RUN npm ci && npm pack

FROM node:24-bookworm-slim
COPY --from=build /build/artifacts-mcp-*.tgz /tmp/
RUN npm install --global /tmp/artifacts-mcp-*.tgz && rm /tmp/artifacts-mcp-*.tgz && mkdir /data && chown node /data
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK CMD ["node", "-e", "fetch('http://127.0.0.1:8080/readyz').then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["artifacts-mcp", "--root", "/data/store"]
CMD ["--no-stdio", "--http", "0.0.0.0:8080"]
