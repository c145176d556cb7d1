# Sourced by ./run, ./test and ./check, with POSIX sh. Defines install_packages and unpack_package.
# shellcheck shell=sh

# install_packages WHY PACKAGE...: installs those of the Debian packages that are missing, asking with sudo where
# that is needed. Everything it says and everything apt says goes to standard error.
install_packages() {
	why=$1
	shift
	if ! command -v dpkg-query >/dev/null 2>&1; then
		echo "scanbridge: this is no Debian system; $why needs what Debian calls: $*" >&2
		return 1
	fi
	missing=
	for package in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
		installed*) ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -eq 0 ]; then
		as_root=
		echo "scanbridge: $why needs these Debian packages, which are installed now:$missing" >&2
	elif command -v sudo >/dev/null 2>&1; then
		as_root=sudo
		echo "scanbridge: $why needs these Debian packages, which are installed now:$missing" >&2
		echo "scanbridge: sudo may ask for your password, to run apt-get and nothing else" >&2
	else
		echo "scanbridge: $why needs Debian packages that are missing, and there is no sudo here." >&2
		echo "scanbridge: run this as root, then try again: apt-get install$missing" >&2
		return 1
	fi
	# The lists may be absent (a fresh container) or older than the archive.
	ls /var/lib/apt/lists/*Packages* >/dev/null 2>&1 || apt_get update
	# shellcheck disable=SC2086
	apt_get install $missing || { apt_get update && apt_get install $missing; } || {
		echo "scanbridge: apt-get could not install$missing; its messages above say why" >&2
		return 1
	}
}

apt_get() {
	command=$1
	shift
	case $command in
	install) set -- --no-install-recommends -- "$@" ;;
	esac
	# shellcheck disable=SC2086
	$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 "$command" "$@" </dev/null >&2
}

# unpack_package FOLDER PACKAGE...: unpacks the first of the Debian packages that there is into FOLDER, and does not
# install it, so that no service of it starts. Once: a FOLDER that is there stays as it is.
unpack_package() {
	folder=$1
	shift
	[ ! -e "$folder" ] || return 0
	mkdir -p "$(dirname "$folder")"
	rm -rf "$folder.part"
	mkdir "$folder.part"
	download_one "$@" || { [ "$(id -u)" -ne 0 ] || apt_get update; download_one "$@"; } || {
		echo "scanbridge: apt-get could download none of $*; its messages above say why" >&2
		return 1
	}
	dpkg-deb --extract "$folder.part/"*.deb "$folder.part" && rm "$folder.part/"*.deb && mv "$folder.part" "$folder"
}

download_one() {
	for package in "$@"; do
		# As root apt would download as another user, who may not write there.
		! (cd "$folder.part" && apt-get download -q -o APT::Sandbox::User=root "$package" >&2) || return 0
	done
	return 1
}
