# The unit as it ships, enabled, on a machine without fail2ban. $1: the program, $2: the directory of unit files.
install -m 755 "$1" "$root/usr/bin/stockade"
install -m 644 "$2/stockade.service" "$root/etc/systemd/system/stockade.service"
# The watchdog's minutes are made seconds, to see it fed.
mkdir "$root/etc/systemd/system/stockade.service.d"
printf '[Service]\nWatchdogSec=2\n' > "$root/etc/systemd/system/stockade.service.d/lab.conf"
install -D -m 644 "$2/stockade.sysusers" "$root/usr/lib/sysusers.d/stockade.conf"
rm -rf "$root/etc/fail2ban"
ln -s ../stockade.service "$root/etc/systemd/system/multi-user.target.wants/stockade.service"
# What would be sshd's unit on another machine: a name that the journal can vouch for.
cp /usr/bin/logger "$root/usr/local/sbin/sshd"
chroot "$root" systemd-sysusers stockade.conf
