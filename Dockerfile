# syntax=docker/dockerfile:1
# The operator's image: the program, certificates and time zones; no shell, no package manager, not root.
#
# Nothing is cross-compiled: build it on a machine of each architecture (the release workflow does, for amd64 and arm64).
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" -t sudoless .

# The version of rust-toolchain.toml, and the Debian of the image below: both must have the same glibc.
FROM rust:1.95.0-slim-trixie AS build
WORKDIR /src
# .dockerignore lets in what cargo needs, and nothing else.
COPY . .
ARG REVISION=unknown
# Caches of BuildKit do not become part of a layer, so the program is moved out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    SUDOLESS_REVISION="$REVISION" cargo build --release --locked --package sudoless --bin sudoless && \
    mv target/release/sudoless /sudoless

# libc, libgcc, CA certificates; the user 65532.
FROM gcr.io/distroless/cc-debian13:nonroot
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sudoless" \
      org.opencontainers.image.description="Keeps root access off Amazon SageMaker notebook instances, safely, from Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build --chown=0:0 --chmod=0555 /sudoless /usr/local/bin/sudoless
# As a number, so that runAsNonRoot can be checked.
USER 65532:65532
# /metrics, /healthz, /readyz
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/sudoless"]
CMD ["run"]
