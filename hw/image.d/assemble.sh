# Sourced by hw/build-image, with POSIX sh. Writes the card's image from the tree in $work/root, without loop devices
# and mounts, the same bytes from the same tree.
# shellcheck shell=sh
# shellcheck disable=SC2016  # what stands in single quotes is for the shell in the chroot
# shellcheck disable=SC2154  # here, cache and work are set by hw/build-image

boot_mib=192
state_mib=32

# tools_root: sets $root to a small Debian 13: its mke2fs writes the same bytes each time, Debian 12's does not, and its
# Python is the card's.
tools_root() {
	root tools trixie '' --include=e2fsprogs,dosfstools,mtools,fdisk,python3
}

# assemble: writes $work/card.img: FAT for the firmware and the settings, the system, and a small place for state.
assemble() {
	cp "$here/hw/image.d/card.sh" "$work/card.sh"
	unshare --mount sh -c '
		mkdir -p "$1/mnt/work" && mount --bind "$2" "$1/mnt/work" && mount -t proc proc "$1/proc" &&
			exec chroot "$1" env - PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 TZ=UTC SOURCE_DATE_EPOCH="$3" \
				sh /mnt/work/card.sh "$4" "$5"
	' sh "$root" "$work" "$SOURCE_DATE_EPOCH" "$boot_mib" "$state_mib"
}
