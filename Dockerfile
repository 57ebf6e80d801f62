# syntax=docker/dockerfile:1
# The operator's image. It contains the program, certificates and time zones, no shell and no package manager, and does not run as root.
#
# There is no cross-compilation: build the image on a machine of each architecture, as the release workflow does for amd64 and arm64.
#   docker build --build-arg REVISION="$(git rev-parse HEAD)" -t sudoless .

# The version must be that of rust-toolchain.toml. The Debian release must be that of the image below, so that both have the same glibc.
FROM rust:1.95.0-slim-trixie AS build
WORKDIR /src
# .dockerignore allows only the files that cargo needs.
COPY . .
ARG REVISION=unknown
# BuildKit's caches are not part of a layer, so the program is moved out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    SUDOLESS_REVISION="$REVISION" cargo build --release --locked --package sudoless --bin sudoless && \
    mv target/release/sudoless /sudoless

# The base image has libc, libgcc, CA certificates and the user 65532.
FROM gcr.io/distroless/cc-debian13:nonroot
ARG REVISION=unknown
LABEL org.opencontainers.image.title="sudoless" \
      org.opencontainers.image.description="Keeps root access off Amazon SageMaker notebook instances, safely, from Kubernetes" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build --chown=0:0 --chmod=0555 /sudoless /usr/local/bin/sudoless
# A number, because the kubelet cannot check runAsNonRoot for a name.
USER 65532:65532
# /metrics, /healthz, /readyz
EXPOSE 8080
ENTRYPOINT ["/usr/local/bin/sudoless"]
CMD ["run"]
