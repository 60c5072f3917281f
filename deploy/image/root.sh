#!/bin/sh
# The root folder of the image, from a static binary and a bundle of CA certificates. The Dockerfile runs it, and so does
# the test that starts the binary in what comes out: what is tested is what is shipped.
#
#   root.sh FOLDER BINARY CERTIFICATES
#   root.sh FOLDER --shell BUSYBOX       adds a static busybox with a link for each of its commands (the -debug image)
set -eu

root=$1
mkdir -p "$root"

if [ "$2" = --shell ]; then
    mkdir -p "$root/bin"
    cp "$3" "$root/bin/busybox"
    chmod 0755 "$root/bin/busybox"
    for command in $("$3" --list); do
        [ "$command" = busybox ] || ln -s busybox "$root/bin/$command"
    done
    exit
fi

mkdir -p "$root/usr/local/bin" "$root/etc/ssl/certs"
cp "$2" "$root/usr/local/bin/cairn"
chmod 0755 "$root/usr/local/bin/cairn"
# The names under which existing manifests call it, and the one for a HEALTHCHECK.
ln -s cairn "$root/usr/local/bin/thv-registry-api"
ln -s cairn "$root/usr/local/bin/healthcheck"

cp "$3" "$root/etc/ssl/certs/ca-certificates.crt"
echo 'nonroot:x:65532:65532::/data:/sbin/nologin' >"$root/etc/passwd"
echo 'nonroot:x:65532:' >"$root/etc/group"
chmod 0644 "$root"/etc/passwd "$root"/etc/group "$root"/etc/ssl/certs/*

# Whoever runs it may write here, as in /tmp, and nowhere else. A volume replaces it where data is to stay.
mkdir -p "$root/data"
chmod 1777 "$root/data"
