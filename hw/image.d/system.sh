# Sourced by hw/build-image, with POSIX sh. Makes the file system that the card boots into.
# shellcheck shell=sh
# shellcheck disable=SC2016  # what stands in single quotes is for the shell that mmdebstrap starts
# shellcheck disable=SC2154  # here, cache, work, deb and the flavour's settings are set by hw/build-image

# enable_foreign ARCHITECTURE: lets this kernel run programs of another architecture through QEMU.
enable_foreign() {
	[ "$1" != "$(dpkg --print-architecture)" ] || return 0
	[ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
	[ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64
}

# packages: all packages of the card but our own one, separated by commas.
packages() {
	printf %s "systemd-sysv,udev,dbus,kmod,iproute2,netbase,ca-certificates,e2fsprogs,dosfstools,fdisk,tzdata,"
	printf %s "systemd-resolved,systemd-timesyncd,nftables,openssh-server,iwd,wireless-regdb,initramfs-tools,zstd,"
	printf %s "$(echo "$kernel $firmware" | tr -s ' ' ',' | sed 's/,$//'),"
	dpkg-deb -f "$deb" Depends | tr ',' '\n' | sed 's/[(|].*//; s/^ *//; s/ *$//' | paste -sd, -
}

# with_corrections: adds to $more_sources what a card must not be without, whether or not this machine's apt knows it.
with_corrections() {
	more_sources="$more_sources
$(sources "$suite" | sed -n "s/ $suite main\$/ $suite-updates main/p")
deb http://security.debian.org/debian-security $suite-security main"
}

# packages_exist: fails when apt could not install the flavour's packages; downloads nothing but lists.
packages_exist() {
	more_sources=''
	with_corrections
	apt_files "$work" "$suite"
	mmdebstrap --simulate --mode=root --variant=minbase --architectures="$architecture" --skip=check/qemu \
		--aptopt='APT::Install-Recommends "false"' --aptopt="$work/apt.conf" --include="$(packages)" \
		"$suite" /dev/null "$work/sources.list" >"$work/log" 2>&1 || {
		tail -n 30 "$work/log" >&2
		return 1
	}
}

# base_system: sets $root to a system with everything but our own package; kept for a week.
base_system() {
	with_corrections
	grep -v '^#' "$here/hw/image.d/left-out" | grep . >"$cache/left-out"
	# The kernel's package need not make an initial RAM disk: the product makes its own.
	export INITRD=No
	root "card-$flavour" "$suite" "$(cat "$cache/left-out" "$here/hw/image.d/initrd.sh")" \
		--architectures="$architecture" --dpkgopt=force-confold --dpkgopt="$cache/left-out" \
		--include="$(packages)" \
		--essential-hook='sh "$here/hw/image.d/initrd.sh" "$1"' \
		--customize-hook='rm -f "$1"/etc/ssh/ssh_host_*'
}

# product: makes of a copy of $root what the card holds, in $work/root.
product() {
	cp -a "$root" "$work/root"
	cp -a "$here/hw/files/." "$work/root/"
	mkdir -p "$work/root/usr/share/initramfs-tools/modules.d"
	echo "$modules" | tr ' ' '\n' | grep . >"$work/root/usr/share/initramfs-tools/modules.d/scanbridge.conf"
	cp "$deb" "$work/root/tmp/scanbridge.deb"
	cp "$here/hw/image.d/product.sh" "$work/root/tmp/"
	env - PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 SOURCE_DATE_EPOCH="$SOURCE_DATE_EPOCH" \
		unshare --mount --pid --fork sh -c '
			mount -t proc proc "$1/proc" && mount -t sysfs sysfs "$1/sys" && exec chroot "$1" sh /tmp/product.sh "$2"
		' sh "$work/root" "$flavour" >"$work/product.log" 2>&1 || {
		tail -n 60 "$work/product.log" >&2
		return 1
	}
	rm -r "$work/root/tmp/scanbridge.deb" "$work/root/tmp/product.sh"
}

# byte_code: makes of the card's Python what Python would make of it at each start. It is the same on all processors, so
# it is made without emulation, by the same Python in $root. It counts without a look at its source, which a slow card
# would have to read as well; packages take theirs away before they are upgraded.
byte_code() {
	unshare --mount sh -c '
		mkdir -p "$1/mnt/work" && mount --bind "$2" "$1/mnt/work" && mount -t proc proc "$1/proc" && cd "$2/root" &&
			for folder in usr/lib/python3.[0-9]* usr/lib/python3/dist-packages usr/share/scanbridge; do
				chroot "$1" env - PATH=/usr/bin LC_ALL=C.UTF-8 "$(basename "$(readlink -f usr/bin/python3)")" -m compileall \
					-q -j 0 --invalidation-mode unchecked-hash -s /mnt/work/root -p / "/mnt/work/root/$folder" ||
					echo "$folder: not all of it is for this Python"
			done
	' sh "$root" "$work" >"$work/byte-code.log" 2>&1
	for needed in "$work"/root/usr/share/scanbridge/bridge/__pycache__/app.cpython-*.pyc; do
		[ -e "$needed" ] || {
			tail -n 30 "$work/byte-code.log" >&2
			return 1
		}
	done
}

# list_contents IMAGE: each package of the card with its version, as SPDX.
list_contents() {
	/usr/bin/python3 "$here/hw/image.d/sbom.py" "$work/root/var/lib/dpkg/status" "$1" "scanbridge-$flavour"
}
