#!/bin/bash
# certificates.sh FOLDER: makes an authority there, and certificates for a server and a client.
set -euo pipefail
cd "$1"

make() { # NAME, subject, extensions
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout "$1.key" \
        -out "$1.csr" -subj "/CN=$2"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 \
        -out "$1.crt" -extfile <(printf '%s' "$3")
}

{
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -keyout ca.key \
        -out ca.crt -subj '/CN=Authority of a test' -days 30
    make server 127.0.0.1 'subjectAltName=IP:127.0.0.1'
    make client client 'extendedKeyUsage=clientAuth'
    openssl pkcs8 -topk8 -in client.key -out client.enc.key -passout pass:secret
} >certificates.log 2>&1 || { cat certificates.log; exit 1; }
# Mosquitto reads it as another user when it was started by root.
chmod a+r server.key
