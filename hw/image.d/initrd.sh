#!/bin/sh
# Sets how the initial RAM disk is made, before the kernel is unpacked: with a list of modules instead of all (a third
# of the size), and only once, at the end.   initrd.sh ROOT FILE-WITH-MODULES
set -eu
mkdir -p "$1/etc/initramfs-tools/conf.d" "$1/usr/share/initramfs-tools/modules.d" "$1/boot/firmware"
echo MODULES=list >"$1/etc/initramfs-tools/conf.d/scanbridge"
echo update_initramfs=no >"$1/etc/initramfs-tools/update-initramfs.conf"
cp "$2" "$1/usr/share/initramfs-tools/modules.d/scanbridge.conf"
