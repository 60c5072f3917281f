# The image: one static binary with the component inside, and CA certificates. No shell, no libraries, any user.
#
#   docker build -t cairn .                      the image; amd64 and arm64, each built on its own kind of machine
#   docker build -t cairn:debug --target debug . the same with a shell, for those who exec into pods

FROM rust:1.95-alpine AS build
# A C compiler for SQLite and the TLS provider, CA certificates to take along, the shell of the debug image.
RUN apk add --no-cache build-base busybox-static ca-certificates
WORKDIR /src
COPY . .
ARG CAIRN_COMMIT CAIRN_BUILD_DATE
# Alpine's own target is musl, which Rust links statically: no cross compiler for either platform.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    cargo xtask build --release \
    && deploy/image/root.sh /image target/release/cairn /etc/ssl/certs/ca-certificates.crt \
    && deploy/image/root.sh /image-debug --shell /bin/busybox.static

FROM scratch AS base
COPY --from=build /image/ /
LABEL org.opencontainers.image.title="cairn" \
      org.opencontainers.image.description="A lightweight registry of MCP servers" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/example/cairn"
ENV PATH=/usr/local/bin:/bin \
    CAIRN_DATA_DIR=/data \
    CAIRN_LOG_FORMAT=json
# The allocator gives back what lies free after 10 ms, instead of a second.
ENV MIMALLOC_PURGE_DELAY=10 MIMALLOC_ARENA_EAGER_COMMIT=0
WORKDIR /data
# Also the way to say who may write there, to engines that would give it to root.
VOLUME /data
# By number, so that Kubernetes can see that it is not root.
USER 65532:65532
EXPOSE 8080 8081
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["/usr/local/bin/healthcheck", "http://127.0.0.1:8081/livez"]
ENTRYPOINT ["/usr/local/bin/cairn"]
CMD ["serve"]

FROM base AS debug
COPY --from=build /image-debug/ /

# Last, so that it is what `docker build .` makes.
FROM base AS cairn
