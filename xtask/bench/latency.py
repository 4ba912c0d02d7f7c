"""From the line that decides to the element in the kernel's set: one attacker at a time, and thousands at once."""
import ctypes
import os
import socket
import subprocess
import time

import kernel
from report import report, skipped
from servers import Stockade, addresses, append, fail2ban, line, until

WATCH = kernel.watch()


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def latencies(log, sources, limit, pause):
    """Milliseconds from writing the deciding line to the element in the kernel's set; None for what never came."""
    found = []
    for n, source in enumerate(sources):
        append(log, line(source, 5000 + n) * 4)
        time.sleep(pause)
        begun = append(log, line(source, 5000 + n))
        moment = WATCH.wait([socket.inet_aton(source)], limit)
        found.append(None if moment is None else (moment - begun) * 1000)
    return found


def latency():
    server = Stockade("latency", "backend = polling\nlogpath = {log}")
    server.start()
    server.ready()
    ours = latencies(server.log, addresses(50, 250), 5, 0.005)
    server.stop()
    theirs = [None]
    other = fail2ban("f2b-latency")
    if other:
        theirs = latencies(other.log, addresses(60, 20), 10, 0.005)
        other.stop()
    for share, goal, name in ((0.5, "<= 2", "p50"), (0.99, "<= 10", "p99")):
        both = [percentile(v, share) if None not in v else None for v in (ours, theirs)]
        report("line to kernel, file, " + name, "ms", both[0], goal, both[1], "250 attacks; fail2ban 20")


def journal_latency():
    """journald of our own; this process is root and calls itself sshd, which is what the jail believes."""
    for command in (["mount", "-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run"], ["mount", "-t", "tmpfs", "tmpfs", "/var/log"]):
        subprocess.run(command, check=True)
    os.makedirs("/run/systemd/journal")
    os.makedirs("/run/log/journal")
    if not os.path.exists("/lib/systemd/systemd-journald"):
        skipped("line to kernel, journal", "systemd-journald is not installed")
        return
    journald = subprocess.Popen(["/lib/systemd/systemd-journald"], stderr=subprocess.DEVNULL)
    try:
        path = "/run/systemd/journal/dev-log"
        if not until(10, lambda: os.path.exists(path)):
            skipped("line to kernel, journal", "journald does not start here")
            return
        ctypes.CDLL(None).prctl(15, b"sshd", 0, 0, 0)
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.connect(path)
        say = lambda source, n: log.send(b"<38>sshd[%d]: Failed password for root from %s port 4711 ssh2" % (5000 + n, source.encode()))
        server = Stockade("journal", "backend = systemd")
        server.start()
        say("10.70.0.1", 1)
        server.ready()
        found = []
        for n, source in enumerate(addresses(71, 200)):
            for _ in range(4):
                say(source, n)
            time.sleep(0.03)
            begun = time.monotonic()
            say(source, n)
            moment = WATCH.wait([socket.inet_aton(source)], 5)
            found.append(None if moment is None else (moment - begun) * 1000)
        server.stop()
        lost = found.count(None)
        found = [value for value in found if value is not None]
        for share, goal, name in ((0.5, "-", "p50"), (0.99, "<= 40", "p99")):
            value = percentile(found, share) if found else None
            report("line to kernel, journal, " + name, "ms", value, goal, None, "200 attacks, %d never seen" % lost)
    finally:
        journald.kill()
        journald.wait()


def storm():
    def at_once(log, sources, limit, ready):
        append(log, "".join(line(source, 5000 + n) * 4 for n, source in enumerate(sources)))
        ready()
        begun = append(log, "".join(line(source, 5000 + n) for n, source in enumerate(sources)))
        moment = WATCH.wait([socket.inet_aton(source) for source in sources], limit)
        return None if moment is None else moment - begun

    server = Stockade("storm", "backend = polling\nlogpath = {log}")
    server.start()
    server.ready()
    ours = at_once(server.log, addresses(80, 10_000), 30, lambda: until(30, lambda: server.jail()["failed_total"] == 40_000))
    server.stop()
    theirs = None
    other = fail2ban("f2b-storm")
    if other:
        found = lambda: open(other.dir + "/log").read().count("] Found ") >= 4000
        theirs = at_once(other.log, addresses(90, 1000), 90, lambda: until(60, found))
        other.stop()
    report("10,000 attackers at once", "s", ours, "<= 0.5", theirs, "fail2ban: 1,000 only")
