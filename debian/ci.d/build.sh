#!/bin/sh
# Runs in a clean system: builds the package from /mnt/source; what comes out goes to /mnt/out.
#   build.sh FOLDER [NAME=VALUE...]     FOLDER is where to build, the rest is for the environment
set -eu
folder=$1
shift
mkdir -p "$folder"
cp -a /mnt/source "$folder/scanbridge"
chown -R builder: "$folder"
runuser -u builder -- env -i HOME=/nonexistent PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@" \
	sh -c "cd '$folder/scanbridge' && dpkg-buildpackage -us -uc"
cp "$folder"/scanbridge_* /mnt/out/
