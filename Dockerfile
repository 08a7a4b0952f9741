# One static binary on an image with no shell, run by an unprivileged user.
#
#   docker build -t latchkey .
#   docker run -p 8080:8080 -v latchkey:/data latchkey
#
# The first start prints the one-time set-up link: docker logs CONTAINER

FROM golang:1.26-bookworm AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# Generated code and the stylesheet are committed: Go is all that a build needs.
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags="-s -w" -o /out/latchkey . && mkdir /out/data

FROM gcr.io/distroless/static-debian12:nonroot
COPY --from=build /out/latchkey /latchkey
# A new named volume takes over this folder's owner, so that the unprivileged user may write to it.
COPY --from=build --chown=65532:65532 /out/data /data
ENV LATCHKEY_ADDR=:8080 LATCHKEY_DATA=/data
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 CMD ["/latchkey", "healthcheck"]
ENTRYPOINT ["/latchkey"]
CMD ["serve"]
