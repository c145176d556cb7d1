# Sourced by debian/ci, with POSIX sh. Builds and checks the package inside clean systems, which stay as they are.
# shellcheck shell=sh
# shellcheck disable=SC2154  # here and work are set by debian/ci

# files FOLDER: the names of the files that belong to the source, each ended by a zero byte.
files() {
	if [ -e "$1/.git" ]; then
		git -c safe.directory="$1" -C "$1" ls-files -z
	else
		(cd "$1" && find . -type f -not -path './build/*' -print0 -o -type l -print0)
	fi
}

# in_root ROOT OPTION... -- COMMAND...: runs a command in a copy of ROOT that is gone afterwards, without any network.
in_root() {
	place=$1
	shift
	systemd-nspawn --quiet --register=no --keep-unit --private-network --volatile=overlay --pipe --directory="$place" "$@"
}

# build ROOT OUT PLACE [NAME=VALUE...]: builds the package in the folder PLACE of ROOT and puts what comes out into OUT.
build() {
	place=$1 out=$2 folder=$3
	shift 3
	in_root "$place" --bind-ro="$work/source:/mnt/source" --bind-ro="$here/debian/ci.d:/mnt/ci" --bind="$out:/mnt/out" -- \
		/bin/sh /mnt/ci/build.sh "$folder" DEB_BUILD_OPTIONS=nocheck DEB_BUILD_PROFILES=nocheck "$@" >"$out.log" 2>&1 || {
		tail -n 60 "$out.log" >&2
		return 1
	}
}

# lint ROOT OUT: fails when lintian finds an error or a warning in what was built; what it merely remarks is shown.
lint() {
	in_root "$1" --bind-ro="$2:/mnt/out" -- runuser -u builder -- sh -c \
		'lintian --display-info --pedantic --show-overrides --fail-on=error,warning /mnt/out/*.changes'
}
