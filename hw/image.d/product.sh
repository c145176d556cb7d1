#!/bin/sh
# Runs inside the card's system while it is made: installs our package, switches on what the card needs, makes the
# initial RAM disk and the boot files.   product.sh FLAVOUR
set -eu
export DEBIAN_FRONTEND=noninteractive
dpkg -i /tmp/scanbridge.deb
# From now on packages make their own byte code again; hw/build-image makes that of those which are here.
rm /usr/bin/py3compile
dpkg-divert --quiet --local --rename --remove /usr/bin/py3compile

systemctl enable scanbridge-machine-id.service scanbridge-board.service scanbridge-report.service scanbridge-panel.service \
	scanbridge-trial.service \
	systemd-networkd.service systemd-resolved.service systemd-timesyncd.service nftables.service iwd.service
# Started when the card's settings name a key; sockets would open the port all the same.
systemctl disable ssh.service ssh.socket 2>/dev/null || systemctl disable ssh.service
systemctl mask systemd-networkd-wait-online.service apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer \
	e2scrub_all.timer e2scrub_reap.service fstrim.timer systemd-pstore.service
ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
# No password opens an account.
usermod --lock --expiredate '' root
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id
echo scanbridge >/etc/hostname

printf 'update_initramfs=yes\nbackup_initramfs=no\n' >/etc/initramfs-tools/update-initramfs.conf
update-initramfs -c -k all
# The firmware's package has its hook write kernels and settings to the top of the FAT part; here they lie in a folder for
# each of the two systems, and updates change nothing else.
(cd /boot/firmware && rm -rf vmlinuz* initrd.img* ./*.dtb cmdline.txt config.txt sysconf.txt)
/usr/lib/scanbridge-board/scanbridge-board boot-files /boot/firmware
mkdir /boot/firmware/b
sed 's/$/\r/' /usr/lib/scanbridge-board/config.txt >/boot/firmware/config.txt

# The mirror, the proxy and the like of the machine that builds this are nobody else's.
rm -f /etc/apt/sources.list /etc/apt/sources.list.d/0000* /etc/apt/apt.conf.d/99mmdebstrap
rm -rf /boot/vmlinuz-* /boot/initrd.img-* /vmlinuz* /initrd.img* /var/cache/apt/* /var/lib/apt/lists/* /var/log/* \
	/var/cache/ldconfig/aux-cache /var/lib/systemd/random-seed
# Else each start would believe that it is the first one with these packages, and make caches anew.
touch -r /usr /etc/.updated /var/.updated
# What Windows' editor shows at once.
cp /usr/lib/scanbridge-board/scanbridge.toml /boot/firmware/scanbridge.toml
/usr/bin/python3 -c 'import sys; sys.path.insert(0, "/usr/share/scanbridge")
from bridge.board.report import on_card
sys.stdout.buffer.write(on_card("The board writes its report in here when it starts.\n"))' >/boot/firmware/scanbridge-report.txt
