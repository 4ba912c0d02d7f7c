# Boots a systemd of its own, with its own processes, network and mounts, over a copy-on-write view of this machine.
# $1: scratch directory, in which `prepare.sh` changes what is in $root; the other arguments are its own.
set -e
mount --make-rprivate /
mkdir -p "$1/layer"
mount -t tmpfs -o mode=755 tmpfs "$1/layer"
mkdir "$1/layer/upper" "$1/layer/work" "$1/layer/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/layer/upper,workdir=$1/layer/work" "$1/layer/root"
root="$1/layer/root"

rm -rf "$root/etc/stockade" "$root/var/lib/stockade" "$root/var/log/journal"
rm -f "$root"/etc/systemd/system/*.wants/*
mkdir -p "$root/etc/systemd/system/multi-user.target.wants"
for unit in systemd-udevd.service systemd-udevd-kernel.socket systemd-udevd-control.socket systemd-timesyncd.service systemd-logind.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
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
(prepare="$1/prepare.sh"; shift; . "$prepare")
mkdir "$root/oldroot"
cd "$root"
pivot_root . oldroot
umount -l /oldroot
hostname stockade-lab
export container=lab
exec </dev/null /lib/systemd/systemd --log-target=console --log-level=info --unit=multi-user.target systemd.unified_cgroup_hierarchy=1
