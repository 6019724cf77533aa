# The image: the agent, the libraries it needs, certificates and a default configuration; no shell, no package manager.
#   docker build -t tapewatch .
#   docker build -t tapewatch --build-arg PACKAGE=tapewatch.deb .      with a package that stands beside this file

# The Debian package, compiled here unless one is given.
FROM debian:bookworm-slim AS package
ARG PACKAGE=""
WORKDIR /source
COPY . .
RUN if [ -n "$PACKAGE" ]; then cp "$PACKAGE" /tapewatch.deb; else deploy/local/install build && deploy/package/build /tapewatch.deb; fi

# The package installed, and of that what the binary needs.
FROM debian:bookworm-slim AS parts
COPY --from=package /tapewatch.deb /
RUN apt-get -q update && DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install /tapewatch.deb
COPY deploy/image/collect deploy/image/tapewatch.yaml /
RUN /collect /image

FROM scratch
COPY --from=parts /image /
LABEL org.opencontainers.image.title="tapewatch" \
      org.opencontainers.image.description="log agent beside a trading application" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="scratch"
ENV STATE_DIRECTORY=/var/lib/tapewatch
USER 65532:65532
EXPOSE 9600
# The only place that is written.
VOLUME /var/lib/tapewatch
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=10s CMD ["/usr/bin/tapewatch", "health", "-c", "/etc/tapewatch/tapewatch.yaml"]
ENTRYPOINT ["/usr/bin/tapewatch"]
CMD ["run", "--strict", "-c", "/etc/tapewatch/tapewatch.yaml"]
