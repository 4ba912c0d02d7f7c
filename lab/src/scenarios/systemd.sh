# Boots a systemd of its own, with its own processes, network and mounts, over a copy-on-write view of this machine.
# $1: scratch directory, $2: the program, $3: the directory of unit files.
set -e
mount --make-rprivate /
mkdir -p "$1/layer"
mount -t tmpfs -o mode=755 tmpfs "$1/layer"
mkdir "$1/layer/upper" "$1/layer/work" "$1/layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layer/upper,workdir=$1/layer/work" "$1/layer/root"
root="$1/layer/root"

install -m 755 "$2" "$root/usr/bin/stockade"
install -m 644 "$3/stockade.service" "$root/etc/systemd/system/stockade.service"
# The watchdog's minutes are made seconds, to see it fed.
mkdir "$root/etc/systemd/system/stockade.service.d"
printf '[Service]\nWatchdogSec=2\n' > "$root/etc/systemd/system/stockade.service.d/lab.conf"
install -D -m 644 "$3/stockade.sysusers" "$root/usr/lib/sysusers.d/stockade.conf"
rm -rf "$root/etc/fail2ban" "$root/etc/stockade" "$root/var/lib/stockade" "$root/var/log/journal"
rm -f "$root"/etc/systemd/system/*.wants/*
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
ln -s ../stockade.service "$root/etc/systemd/system/multi-user.target.wants/stockade.service"
for unit in systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-timesyncd.service systemd-logind.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
# What would be sshd's unit on another machine: a name that the journal can vouch for.
cp /usr/bin/logger "$root/usr/local/sbin/sshd"

mount -t proc proc "$root/proc"
mount -t sysfs sysfs "$root/sys"
umount -R "$root/sys/fs/cgroup" 2>/dev/null || true
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
chroot "$root" systemd-sysusers stockade.conf
mkdir "$root/oldroot"
cd "$root"
pivot_root . oldroot
umount -l /oldroot
hostname stockade-lab
export container=lab
exec </dev/null /lib/systemd/systemd --log-target=console --log-level=info --unit=multi-user.target systemd.unified_cgroup_hierarchy=1
