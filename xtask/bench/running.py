"""What it costs to start with many bans, and to be there while nothing happens."""
import os
import shutil
import sqlite3
import subprocess
import time

import kernel
from cost import anonymous
from report import report, skipped
from servers import Stockade, addresses, fail2ban, ticks, until

WATCH = kernel.watch()


def start():
    if not shutil.which("nft"):
        return skipped("start", "nft, which tells what the kernel holds, is not installed (package nftables)")
    server = Stockade("start", "backend = polling\nlogpath = {log}")
    server.start()
    server.ready()
    server.stop()
    sources = addresses(100, 100_000)
    now = int(time.time())
    base = sqlite3.connect(server.dir + "/db")
    for table in ("bans", "bips"):
        base.executemany("INSERT INTO %s(jail, ip, timeofban, bantime, bancount, data) VALUES ('sshd', ?, ?, 86400, 1, '{}')" % table,
                         ((source, now - 60) for source in sources))
    base.commit()
    base.close()
    WATCH.listen(False)
    begun = server.start()
    # The daemon says so when the kernel has acknowledged the last one; nft is asked afterwards whether that is true.
    done = until(60, lambda: "%d bans stand in the kernel" % len(sources) in open(server.dir + "/log").read())
    seconds = time.monotonic() - begun
    listed = subprocess.run(["nft", "list", "ruleset"], capture_output=True, text=True).stdout.count(" expires ")
    WATCH.listen(True)
    report("start with 100,000 stored bans", "s", seconds if done and listed == len(sources) else None, "<= 1", None,
           "nft lists %d; fail2ban: 249 s for 10,000 (measured once)" % listed)
    server.stop()


def idle():
    def of(pid):
        time.sleep(2)
        before = ticks(pid)
        time.sleep(20)
        return (ticks(pid) - before) / os.sysconf("SC_CLK_TCK") / 20 * 100, anonymous(pid)

    server = Stockade("idle", "backend = polling\nlogpath = {log}")
    server.start()
    server.ready()
    ours = of(server.process.pid)
    server.stop()
    other = fail2ban("f2b-idle")
    theirs = of(other.process.pid) if other else (None, None)
    if other:
        other.stop()
    report("idle, processor", "% core", ours[0], "<= 0.1", theirs[0], "over 20 s")
    report("idle, RssAnon", "MB", ours[1], "<= 8", theirs[1])
