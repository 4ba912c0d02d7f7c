"""Where the server's socket is: what programs ask the original's reader of configuration for."""

import configparser
import os

_DEFAULTS = {
    "socket": "/var/run/fail2ban/fail2ban.sock",
    "pidfile": "/var/run/fail2ban/fail2ban.pid",
    "loglevel": "INFO",
    "logtarget": "/var/log/fail2ban.log",
    "syslogsocket": "auto",
}


class Configurator:
    """The server's own options, of fail2ban.conf and what changes it; no jails."""

    def __init__(self):
        self._base = "/etc/fail2ban"
        self._options = dict(_DEFAULTS)

    def setBaseDir(self, folderName):
        """Which directory holds fail2ban.conf; /etc/fail2ban if this is not called."""
        self._base = os.path.normpath(folderName)

    def getBaseDir(self):
        """The directory."""
        return self._base

    def readEarly(self):
        """Reads the options: fail2ban.conf, fail2ban.d/*.conf, fail2ban.local, fail2ban.d/*.local; the last one counts."""
        reader = configparser.ConfigParser(strict=False)
        for ending in (".conf", ".local"):
            more = os.path.join(self._base, "fail2ban.d")
            names = sorted(os.listdir(more)) if os.path.isdir(more) else []
            paths = [os.path.join(self._base, "fail2ban" + ending)]
            paths += [os.path.join(more, name) for name in names if name.endswith(ending)]
            reader.read(paths, encoding="utf-8")
        if reader.has_section("Definition"):
            for name in _DEFAULTS:
                self._options[name] = reader.get("Definition", name, fallback=_DEFAULTS[name])

    def getEarlyOptions(self):
        """The options by name: socket, pidfile, loglevel, logtarget, syslogsocket."""
        return dict(self._options)
