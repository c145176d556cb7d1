#!/bin/sh
# Runs before most packages are unpacked, and says what is to be made only once, at the end: the initial RAM disk, with a
# list of modules instead of all (a third of the size; hw/build-image brings it), and Python's byte code.  initrd.sh ROOT
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/boot/firmware"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/scanbridge"
echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"
chroot "$1" dpkg-divert --quiet --local --rename --add /usr/bin/py3compile
ln -s true "$1/usr/bin/py3compile"
