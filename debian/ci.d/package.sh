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

# before FOLDER: puts the source of the version before this one into FOLDER: as it was when the changelog had no entry for
# this version yet. Without the history of the source, it is this version under a smaller number.
before() {
	version=$(dpkg-parsechangelog -l "$here/debian/changelog" -S Version)
	mkdir "$1"
	if [ -e "$here/.git" ] && old=$(commit_before "$version") && [ -n "$old" ]; then
		git -c safe.directory="$here" -C "$here" archive "$old" | tar --extract --directory="$1"
	else
		say "no history here: the version before is this one under a smaller number"
		cp -a "$work/source/." "$1"
		sed -i "1s/($version)/($version~)/" "$1/debian/changelog"
	fi
}

# commit_before VERSION: the last commit whose changelog has no VERSION; nothing when the history does not reach so far.
commit_before() {
	set -- "$(git -c safe.directory="$here" -C "$here" log --format=%H -S"scanbridge ($1)" -- debian/changelog | tail -n 1)"
	set -- "${1:+$1^}"
	git -c safe.directory="$here" -C "$here" rev-parse --quiet --verify "${1:-HEAD}:debian/changelog" >/dev/null || return 0
	echo "${1:-HEAD}"
}

# build ROOT SOURCE OUT PLACE [NAME=VALUE...]: builds the package from SOURCE in the folder PLACE of ROOT and puts what
# comes out into OUT.
build() {
	clean_root=$1 source=$2 out=$3 folder=$4
	shift 4
	in_root "$clean_root" --bind-ro="$source:/mnt/source" --bind-ro="$here/debian/ci.d:/mnt/ci" --bind="$out:/mnt/out" -- \
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

# try_machine ROOT: installs the package on a machine with the file system ROOT and tries it from beginning to end.
try_machine() {
	cd "$here" || return
	SCANBRIDGE_MACHINES=$1 SCANBRIDGE_PACKAGES=$work/packages /usr/bin/python3 -m pytest tests/system --durations=5 -rP
}

# try_piuparts SUITE: installs, removes and purges the package in a chroot, and fails when anything is left or broken.
try_piuparts() {
	piuparts --basetgz="$work/base-$1.tar.gz" --distribution="$1" --no-eatmydata --warn-on-others --no-upgrade-test \
		"$work/first/"*.deb >"$work/piuparts-$1.log" 2>&1 || {
		tail -n 60 "$work/piuparts-$1.log"
		return 1
	}
	echo "piuparts has nothing to say, $1"
}

# each FUNCTION WORD...: calls FUNCTION with each WORD, all at once, then shows what each said; fails when one failed.
each() {
	what=$1 pids='' failed=0 number=0
	shift
	for word in "$@"; do
		number=$((number + 1))
		"$what" "$word" >"$work/said-$number" 2>&1 &
		pids="$pids $!"
	done
	number=0
	for pid in $pids; do
		number=$((number + 1))
		wait "$pid" || failed=1
		cat "$work/said-$number"
	done
	return "$failed"
}
