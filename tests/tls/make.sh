#!/usr/bin/env bash
# Makes the certificates of tests/it/wire.rs: an authority, and a server on loopback that it vouches for. The
# keys protect nothing and nobody; that of the authority is thrown away.
set -euo pipefail
cd "$(dirname "$0")"
new=(openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes)
key=$(mktemp)
trap 'rm -f "$key" server.csr' EXIT
"${new[@]}" -x509 -keyout "$key" -out ca.pem -days 36500 -subj "/CN=entitle tests" \
  -addext "basicConstraints=critical,CA:TRUE" -addext "keyUsage=critical,keyCertSign" 2>/dev/null
"${new[@]}" -keyout server.key -out server.csr -subj "/CN=localhost" 2>/dev/null
openssl x509 -req -in server.csr -CA ca.pem -CAkey "$key" -days 36500 -out server.pem 2>/dev/null -extfile <(
  printf 'subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n'
)
