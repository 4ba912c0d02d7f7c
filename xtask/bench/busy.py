"""Sources that have more to read than anybody can wait for: two large logs at once, and a large journal."""
import ctypes
import os
import socket
import subprocess
import sys
import time

import gen
from report import SCRATCH, report, skipped
from servers import Stockade, until

def reading(server, cores=None):
    """Starts a server and waits until it has read everything that is there: seconds, and processor seconds by thread."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or ours)
    begun = server.start()
    os.sched_setaffinity(0, ours)

    def is_done():
        jails = (server.status() or {"jails": []})["jails"]
        return jails and all(jail["sources"] and all(one["state"] == "following" for one in jail["sources"]) for jail in jails)

    if not until(120, is_done):
        sys.exit("stockade does not get through: " + open(server.dir + "/err").read())
    seconds, threads = time.monotonic() - begun, {}
    for task in os.listdir("/proc/%d/task" % server.process.pid):
        name, values = open("/proc/%d/task/%s/stat" % (server.process.pid, task)).read().split("(", 1)[1].rsplit(")", 1)
        threads[name] = sum(map(int, values.split()[11:13])) / os.sysconf("SC_CLK_TCK")
    server.stop()
    return seconds, threads


def two_sources():
    """Two large logs of two jails: read on one core, and on all."""
    logs = [SCRATCH + "/busy-%d.log" % n for n in range(2)]
    for n, log in enumerate(logs):
        gen.write(log, "auth", 1_000_000, seed=n, end=int(time.time()))
    common = "backend = polling\nfindtime = 800d\nmaxretry = 1000000\nlogpath = "
    jails = common + logs[0] + "\n[sshd-2]\nenabled = true\nfilter = sshd\n" + common + logs[1]
    one = reading(Stockade("one-core", jails), {min(os.sched_getaffinity(0))})
    every = reading(Stockade("all-cores", jails))
    busy = ", ".join("%s %.2f" % pair for pair in sorted(every[1].items()) if pair[0].startswith("tail"))
    report("two logs of 1 million lines, one core", "s", one[0], "-")
    report("the same on %d cores" % os.cpu_count(), "s", every[0], "<= 0.6 x", None, "cpu s: " + busy)


def journal_rate():
    """A journal of 300,000 entries, written by journald of our own; this process calls itself sshd."""
    count, daemon = 300_000, "/lib/systemd/systemd-journald"
    if not os.path.exists(daemon):
        skipped("reading the journal", "systemd-journald is not installed")
        return
    subprocess.run(["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], check=True)
    for directory in ("systemd/journal", "systemd/journald.conf.d", "log/journal"):
        os.makedirs("/run/" + directory)
    with open("/run/systemd/journald.conf.d/bench.conf", "w") as file:
        file.write("[Journal]\nStorage=volatile\nRateLimitIntervalSec=0\nReadKMsg=no\nAudit=no\nRuntimeMaxUse=1G\n")
    journald = subprocess.Popen([daemon], stderr=subprocess.DEVNULL)
    try:
        path = "/run/systemd/journal/dev-log"
        if not until(10, lambda: os.path.exists(path)):
            skipped("reading the journal", "journald does not start here")
            return
        ctypes.CDLL(None).prctl(15, b"sshd", 0, 0, 0)
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.connect(path)
        lines = SCRATCH + "/entries.log"
        gen.write(lines, "auth", count)
        for row in open(lines, "rb"):
            # Behind the date and the host.
            log.send(b"<38>" + row.rstrip()[16:].split(b" ", 1)[1])
    finally:
        journald.terminate()
        journald.wait()
    for jails in (1, 3):
        words = "backend = systemd\nfindtime = 1d\nmaxretry = 1000000" + "".join(
            "\n[sshd-%d]\nenabled = true\nfilter = sshd\nbackend = systemd\nfindtime = 1d\nmaxretry = 1000000" % n for n in range(1, jails))
        found = "/run/log/journal/" + os.listdir("/run/log/journal")[0]
        _, threads = reading(Stockade("journal-rate-%d" % jails, words, "--journal", found))
        rate = count / threads["journal"] / 1000
        report("journal, %d jail%s" % (jails, "s" if jails > 1 else ""), "k/cpu s", rate, ">= 200", None, "300,000 entries, sshd's filter each")
    subprocess.run(["umount", "/run"])
