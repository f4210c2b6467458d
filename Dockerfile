# syntax=docker/dockerfile:1
# Fluent Bit with the plugin, and the files alone for an init container:
#
#   docker build --build-arg VERSION=1.2.3 -t siem-s3 .
#   docker build --build-arg VERSION=1.2.3 -t siem-s3-files --target files .
#
# Each platform is built on itself, not cross-compiled: buildx does so on nodes of
# both, or with QEMU (--platform linux/amd64,linux/arm64).
#
# To pin an image for good, give its digest: --build-arg
# FLUENT_BIT_IMAGE=cr.fluentbit.io/fluent/fluent-bit:5.1.1@sha256:...
ARG GO_IMAGE=golang:1.26.8-bookworm
ARG BUILD_IMAGE=almalinux:8.10
ARG FILES_IMAGE=busybox:1.37.0-glibc
ARG FLUENT_BIT_IMAGE=cr.fluentbit.io/fluent/fluent-bit:5.1.1

FROM ${GO_IMAGE} AS go

# A library needs a glibc at least as new as the one it was built with, so this one
# is older (2.28) than that of every system it is meant for: Debian 11, Ubuntu
# 20.04, RHEL 8, Amazon Linux 2023 and the image of Fluent Bit (2.41).
FROM ${BUILD_IMAGE} AS build
RUN dnf install -y --setopt=install_weak_deps=False gcc make && dnf clean all
COPY --from=go /usr/local/go /usr/local/go
ENV PATH=/usr/local/go/bin:/usr/sbin:/usr/bin:/sbin:/bin GOTOOLCHAIN=local
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
ARG VERSION=devel
RUN make build VERSION="$VERSION"
RUN go run ./test/packaging/glibc --floor 2.31 build/out_siem_s3.so build/siemctl
RUN mkdir -m 700 build/state

# The plugin and siemctl, copied to a volume at /plugin by an init container.
FROM ${FILES_IMAGE} AS files
COPY --from=build --chmod=755 /src/build/out_siem_s3.so /src/build/siemctl /siem-s3/
COPY --from=build --chmod=644 /src/LICENSE /src/NOTICE /siem-s3/
USER 65532:65532
CMD ["cp", "/siem-s3/out_siem_s3.so", "/siem-s3/siemctl", "/plugin/"]

FROM ${FLUENT_BIT_IMAGE} AS fluent-bit
ARG VERSION=devel
LABEL org.opencontainers.image.title="Fluent Bit with siem-s3" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}"
COPY --from=build --chmod=755 /src/build/out_siem_s3.so /usr/lib/fluent-bit/
COPY --from=build --chmod=755 /src/build/siemctl /usr/bin/
COPY --from=build --chmod=644 /src/LICENSE /src/NOTICE /usr/share/doc/siem-s3/
COPY --chmod=644 conf/plugins.conf conf/parsers.conf deploy/container/fluent-bit.yaml /fluent-bit/etc/siem-s3/
# The user "nonroot" of distroless images.
COPY --from=build --chown=65532:65532 /src/build/state /var/lib/fluent-bit
USER 65532:65532
VOLUME /var/lib/fluent-bit
EXPOSE 24224 9880 2020
# There is no shell: siemctl asks Fluent Bit itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 \
    CMD ["/usr/bin/siemctl", "health"]
ENTRYPOINT ["/fluent-bit/bin/fluent-bit"]
CMD ["-c", "/fluent-bit/etc/siem-s3/fluent-bit.yaml"]
