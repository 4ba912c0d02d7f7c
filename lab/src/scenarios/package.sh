# A machine to install on. $1: the package; $2: a file, if fail2ban guards there.
install -m 644 "$1" "$root/root/stockade.deb"
# What containers of Debian leave out or forbid.
rm -f "$root/usr/sbin/policy-rc.d" "$root"/etc/dpkg/dpkg.cfg.d/*
rm -rf "$root/etc/fail2ban/jail.d" "$root"/var/lib/fail2ban/* "$root/usr/bin/stockade" "$root/usr/lib/stockade"
mkdir -p "$root/var/log/lab"
: > "$root/var/log/lab/auth.log"
: > "$root/var/log/lab/web.log"
if [ -n "${2-}" ]; then
    ln -s /lib/systemd/system/fail2ban.service "$root/etc/systemd/system/multi-user.target.wants/fail2ban.service"
    # Its own look finds no IPv6 on a machine without a network.
    printf '[Definition]\nallowipv6 = yes\n' > "$root/etc/fail2ban/fail2ban.local"
    cat > "$root/etc/fail2ban/jail.local" <<'CONF'
[DEFAULT]
backend   = polling
banaction = nftables-multiport
banaction_allports = nftables-allports
bantime   = 1h
usedns    = no

[sshd]
enabled = true
logpath = /var/log/lab/auth.log

[nginx-http-auth]
enabled  = true
logpath  = /var/log/lab/web.log
banaction = nftables-allports
CONF
else
    rm -rf "$root/etc/fail2ban" "$root/etc/init.d/fail2ban" "$root/lib/systemd/system/fail2ban.service" "$root"/usr/bin/fail2ban-*
fi
