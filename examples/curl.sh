#!/usr/bin/env bash
# Saves, reads, resumes and deletes with curl alone (7.76 or newer).
#
# Start a server first, with a token of your own:
#     export ARTIFACTS_HTTP_TOKEN=$(openssl rand -hex 16)
#     node dist/main.js --no-stdio --http 127.0.0.1:8080
# Usage, with the same token in the environment: examples/curl.sh [http://127.0.0.1:8080]
set -euo pipefail

server=${1:-http://127.0.0.1:8080}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Every request but those to upload and download URLs needs the token.
ask() { curl --silent --show-error --fail-with-body -H "Authorization: Bearer $ARTIFACTS_HTTP_TOKEN" "$@"; }
# The value of a field in JSON.
field() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

echo '1. Save a file in one request, and read it back.'
echo 'hello' >"$folder/hello.txt"
ask -T "$folder/hello.txt" "$server/v1/content/examples/hello.txt"
ask -o "$folder/copy.txt" "$server/v1/content/examples/hello.txt"
cmp "$folder/hello.txt" "$folder/copy.txt"

echo; echo '2. Save only if the key is free: the server answers 412, because it is not.'
echo 'other' >"$folder/other.txt"
status=$(curl --silent -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $ARTIFACTS_HTTP_TOKEN" \
  -H 'If-None-Match: *' -T "$folder/other.txt" "$server/v1/content/examples/hello.txt")
test "$status" = 412

echo '3. Begin an upload of 1 MB. Its URL needs no token.'
head -c 1000000 /dev/urandom >"$folder/data.bin"
session=$(ask -d '{"bucket": "examples", "key": "data.bin", "size": 1000000}' "$server/v1/artifacts")
url=$(field url <<<"$session")

echo '4. Send the first 400,000 bytes. Then the connection breaks.'
head -c 400000 "$folder/data.bin" >"$folder/part"
curl --silent --show-error --fail-with-body -H 'Upload-Offset: 0' --data-binary "@$folder/part" "$url"
offset=$(curl --silent --fail-with-body "$url" | field offset)
test "$offset" = 400000

echo; echo '5. Run the same upload of the whole file again: the server compares what it has, and stores the rest.'
curl --silent --show-error --fail-with-body -T "$folder/data.bin" "$url"

echo; echo '6. Read it, whole and in part.'
ask -o "$folder/copy.bin" "$server/v1/content/examples/data.bin"
cmp "$folder/data.bin" "$folder/copy.bin"
ask -o "$folder/range" -r 0-99 "$server/v1/content/examples/data.bin"
cmp <(head -c 100 "$folder/data.bin") "$folder/range"

echo '7. Look into a table, without reading it: what it is, its last row, and what its new version changes.'
printf 'id,price\n5,12\n6,8\n' >"$folder/prices.csv"
ask -o /dev/null -T "$folder/prices.csv" "$server/v1/content/examples/prices.csv"
ask "$server/v1/describe/examples/prices.csv"
test "$(ask -H 'Accept: text/csv' "$server/v1/rows/examples/prices.csv?row=-1" | tail -n 1)" = 6,8
printf 'id,price\n5,13\n6,8\n' >"$folder/prices.csv"
ask -o /dev/null -T "$folder/prices.csv" "$server/v1/content/examples/prices.csv"
ask "$server/v1/compare?bucket=examples&key=prices.csv&by=id" | grep --quiet 'price 12 -> 13'

echo '8. List the bucket, and delete all.'
ask "$server/v1/artifacts/examples"
ask -o /dev/null -X DELETE "$server/v1/artifacts/examples/prices.csv"
ask -o /dev/null -X DELETE "$server/v1/artifacts/examples/hello.txt"
ask -o /dev/null -X DELETE "$server/v1/artifacts/examples/data.bin"
echo; echo 'All of it worked.'
