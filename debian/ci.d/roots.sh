# Sourced by debian/ci, with POSIX sh. Makes clean Debian systems and keeps them in $cache for a week.
# shellcheck shell=sh
# shellcheck disable=SC2016  # what stands in single quotes is for mmdebstrap's shell and for apt
# shellcheck disable=SC2154  # here, cache and work are set by debian/ci

# sources SUITE: the lines of a sources.list for SUITE, from the mirrors that this machine's own apt uses.
sources() {
	apt-get indextargets --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' |
		sed -nE "s#^([^ ]+) (bookworm|trixie)(-updates|-security)? main\$#deb \1 $1\3 main#p" | sort -u
}

# all_sources SUITE: the same with the components that a system needs ($components), and what else it needs
# ($more_sources). Fails when this machine's apt knows no mirror.
all_sources() {
	known=$(sources "$1")
	if [ -z "$known" ]; then
		echo "debian/ci: this machine's apt knows no Debian mirror (apt-get indextargets says none)" >&2
		return 1
	fi
	printf '%s\n' "$known" "${more_sources:-}" | sed "/^\$/d; s/ main\$/ ${components:-main}/" | sort -u
}

# apt_files FOLDER SUITE: writes apt.conf, how this machine's apt reaches its mirrors, and sources.list into FOLDER.
apt_files() {
	apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-(Date|Valid-Until))' >"$1/apt.conf" || true
	all_sources "$2" >"$1/sources.list"
}

# root NAME SUITE KEY MMDEBSTRAP-ARGUMENT...: sets $root to a folder with a clean system. It is made anew when KEY, what
# it is made of or the week is another one. Hooks find the checkout in $here by themselves, so that another checkout finds
# the same system.
root() {
	name=$1 suite=$2 key=$3
	shift 3
	set -- --mode=root --variant=minbase --aptopt='APT::Install-Recommends "false"' --dpkgopt=force-unsafe-io \
		--dpkgopt='path-exclude=/usr/share/locale/*' --dpkgopt='path-exclude=/usr/share/doc/*' \
		--dpkgopt='path-include=/usr/share/doc/*/copyright' --dpkgopt='path-include=/usr/share/doc/scanbridge/*' "$@"
	root=$cache/$name-$suite-$( (echo "$key" "$@" && date +%G-%V) | sha256sum | cut -c 1-12)
	[ ! -e "$root" ] || return 0
	say "making a clean system: $name, $suite"
	for old in "$cache/$name-$suite-"*; do
		rm -rf --one-file-system "$old"
	done
	apt_files "$cache" "$suite"
	export here
	mmdebstrap "$@" --aptopt="$cache/apt.conf" "$suite" "$root.part" "$cache/sources.list" >"$cache/log" 2>&1 || {
		tail -n 60 "$cache/log" >&2
		return 1
	}
	mv "$root.part" "$root"
}

# build_root SUITE [nocheck]: sets $root to a system with everything that building and checking the package takes, with
# nocheck to all but its tests.
build_root() {
	root "build$2" "$1" "$(sed -n '/^Build-Depends/,/^Standards/p' "$here/debian/control")" \
		--include=build-essential,lintian \
		--customize-hook='mkdir -p "$1/src/debian" && cp "$here/debian/control" "$1/src/debian/"' \
		--customize-hook="chroot \"\$1\" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -P '$2' build-dep /src" \
		--customize-hook='rm -r "$1/src" && chroot "$1" useradd --create-home builder'
}

# machine_root SUITE DEB: sets $root to a small system that boots, with the archives of all packages that installing DEB
# and its autopkgtest takes, so that it needs no network.
machine_root() {
	tools='autopkgtest dpkg-dev firewalld sane-airscan sane-utils ufw umockdev'
	# Another host of WSD: each release has one, and not the same.
	case $1 in bookworm) tools="$tools wsdd" ;; *) tools="$tools wsdd2" ;; esac
	cp "$2" "$cache/package.deb"
	root machine "$1" "$(dpkg-deb -f "$2" Depends)" \
		--include=systemd-sysv,dbus,udev,iproute2,netbase --skip=cleanup/apt \
		--customize-hook="cp '$cache/package.deb' \"\$1/mnt\"" \
		--customize-hook='chroot "$1" apt-get clean' \
		--customize-hook="chroot \"\$1\" apt-get -q -y --download-only install /mnt/package.deb $tools" \
		--customize-hook='rm "$1/mnt/package.deb" && : >"$1/etc/machine-id" && echo bridge >"$1/etc/hostname"'
}

# vm_disk SUITE DEB: sets $disk to a folder from which a virtual machine boots: kernel, initial file system, and a root
# with all that DEB depends on, and with QEMU's agent, through which tests run programs. DEB is installed in the machine.
vm_disk() {
	cp "$2" "$cache/package.deb"
	printf '[Match]\nType=ether\n[Network]\nAddress=10.99.0.1/24\nAddress=fd99::1/64\n' >"$cache/cable.network"
	root vm "$1" "$(dpkg-deb -f "$2" Depends)" \
		--include=linux-image-amd64,zstd,systemd-sysv,dbus,udev,kmod,iproute2,netbase,qemu-guest-agent,sane-utils \
		--customize-hook="cp '$cache/package.deb' \"\$1/mnt\" && cp '$cache/cable.network' \"\$1/etc/systemd/network\"" \
		--customize-hook='chroot "$1" apt-get -q -y install /mnt/package.deb && chroot "$1" apt-get -q -y purge scanbridge' \
		--customize-hook='chroot "$1" sh -c "apt-get clean; userdel _scanbridge; systemctl enable systemd-networkd"' \
		--customize-hook='rm "$1/mnt/package.deb" && : >"$1/etc/machine-id" && echo attic >"$1/etc/hostname"'
	disk=$root.disk
	[ ! -e "$disk" ] || return 0
	rm -rf "$disk.part"
	mkdir "$disk.part"
	cp "$root"/boot/vmlinuz-* "$disk.part/vmlinuz"
	cp "$root"/boot/initrd.img-* "$disk.part/initrd.img"
	mke2fs -q -t ext4 -d "$root" "$disk.part/root.img" 4G
	mv "$disk.part" "$disk"
}

# piuparts_base SUITE: makes the archive of a clean system as piuparts wants it, at $work/base-SUITE.tar.gz.
piuparts_base() {
	root piuparts "$1" '' --variant=buildd
	[ -e "$root.tar.gz" ] || tar --create --gzip --directory="$root" --file="$root.tar.gz" .
	ln -s "$root.tar.gz" "$work/base-$1.tar.gz"
}
