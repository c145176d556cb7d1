#!/bin/sh
# Runs inside the small tools system: makes /mnt/work/card.img from the tree /mnt/work/root.  card.sh BOOT-MIB STATE-MIB
set -eu
boot_mib=$1 state_mib=$2
cd /mnt/work

# The FAT part, files in a fixed order. Clusters of 2 KiB: with larger ones it would have too few for FAT32.
mkfs.vfat --invariant -F 32 -s 4 -n SCANBRIDGE -i 5ca4b21d -C boot.img $((boot_mib * 1024)) >/dev/null
find root/boot/firmware -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd root/boot/firmware && find . -mindepth 1 -maxdepth 1 | LC_ALL=C sort) | while read -r entry; do
	mcopy -s -m -Q -i boot.img "root/boot/firmware/$entry" ::/
done
rm -rf root/boot/firmware
mkdir root/boot/firmware

# The state: empty folders for those who keep something.
mkdir -p state/scanbridge state/board
chmod 700 state/scanbridge state/board
owner=$(sed -n 's/^_scanbridge:[^:]*:\([0-9]*\):.*/\1/p' root/etc/passwd)
chown "$owner" state/scanbridge
mkdir -p root/state root/media/root-ro

find root state -newermt "@$SOURCE_DATE_EPOCH" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
root_mib=$(($(du -sm --apparent-size root | cut -f1) * 113 / 100 + 40))
# When a file was last read is written, too; folders after what is in them, because looking into one counts.
find root state -depth -exec touch -h -a -d "@$SOURCE_DATE_EPOCH" {} +
file_system() { # NAME LABEL UUID MIB FOLDER OPTION...
	name=$1 label=$2 uuid=$3 mib=$4 folder=$5
	shift 5
	mke2fs -q -t ext4 -L "$label" -U "$uuid" -E "hash_seed=$uuid,lazy_itable_init=0,lazy_journal_init=0" "$@" \
		-d "$folder" "$name" "${mib}M"
}
file_system root.img scanroot 5ca4b21d-0000-4000-8000-000000000001 "$root_mib" root -m 0
file_system state.img scanstate 5ca4b21d-0000-4000-8000-000000000002 "$state_mib" state -m 0 -J size=4

mib=2048
truncate -s $((4 + boot_mib + state_mib + root_mib + 1))M card.img
state_at=$((4 + boot_mib))
root_at=$((state_at + state_mib))
sfdisk -q card.img <<TABLE
label: dos
label-id: 0x5ca4b21d
start=$((4 * mib)), size=$((boot_mib * mib)), type=c, bootable
start=$((root_at * mib)), size=$((root_mib * mib)), type=83
start=$((state_at * mib)), size=$((state_mib * mib)), type=83
TABLE
dd if=boot.img of=card.img bs=1M seek=4 conv=notrunc,sparse status=none
dd if=state.img of=card.img bs=1M seek=$state_at conv=notrunc,sparse status=none
dd if=root.img of=card.img bs=1M seek=$root_at conv=notrunc,sparse status=none
rm boot.img state.img root.img
