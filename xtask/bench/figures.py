"""The figures of `cargo xtask bench`: `figures.py PROGRAM SCRATCH OUT.json`, in a network and mount namespace of its own.

Each figure is measured for stockade and, where that ends in bounded time, for Debian's fail2ban in the same run.
"""
import ctypes
import json
import os
import resource
import shutil
import socket
import sqlite3
import subprocess
import sys
import time

from kernel import Watch

HERE = os.path.dirname(os.path.abspath(__file__))
PROGRAM, SCRATCH, OUT = sys.argv[1:4]
WATCH = Watch()
FIGURES = []


def report(name, unit, stockade, goal, fail2ban=None, note=""):
    FIGURES.append(dict(name=name, unit=unit, stockade=stockade, goal=goal, fail2ban=fail2ban, note=note))
    text = "-" if fail2ban is None else "%.4g" % fail2ban
    ours = "-" if stockade is None else "%.4g" % stockade
    print("%-44s %10s %-8s goal %-10s fail2ban %-10s %s" % (name, ours, unit, goal, text, note), flush=True)


def line(source, pid=4242):
    return "%s host sshd[%d]: Failed password for root from %s port 4711 ssh2\n" % (
        time.strftime("%b %e %H:%M:%S"), pid, source)


def addresses(first, count):
    return ["10.%d.%d.%d" % (first + n // 62500, n // 250 % 250, 1 + n % 250) for n in range(count)]


def append(path, text):
    with open(path, "ab", buffering=0) as file:
        moment = time.monotonic()
        file.write(text.encode())
    return moment


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(len(values) * share))]


def until(limit, look):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if look():
            return True
        time.sleep(0.005)
    return False


class Stockade:
    def __init__(self, name, jail, *extra):
        self.dir = os.path.join(SCRATCH, name)
        os.makedirs(self.dir + "/conf")
        self.log = self.dir + "/auth.log"
        open(self.log, "w").close()
        with open(self.dir + "/conf/jail.local", "w") as file:
            file.write("[DEFAULT]\nenabled = false\n[sshd]\nenabled = true\n%s\nbantime = 1h\n" % jail.format(log=self.log))
        self.client = ["--socket", self.dir + "/sock"]
        self.words = [PROGRAM, "run", "-c", self.dir + "/conf", "--db", self.dir + "/db", "--log", self.dir + "/log",
                      *self.client, *extra]
        self.process = None

    def start(self):
        moment = time.monotonic()
        self.process = subprocess.Popen(self.words, stderr=open(self.dir + "/err", "a"))
        return moment

    def ask(self, *words):
        done = subprocess.run([PROGRAM, *words, "--json", *self.client], capture_output=True, text=True)
        return json.loads(done.stdout) if done.stdout.startswith("{") else None

    def jail(self):
        status = self.ask("status")
        return status["jails"][0] if status else {"state": "none", "failed_total": 0}

    def ready(self):
        if not until(20, lambda: self.jail()["state"] == "running"):
            sys.exit("stockade does not come up: " + open(self.dir + "/err").read())

    def stop(self):
        self.ask("stop", "--flush")
        self.process.wait(30)


class Fail2ban:
    def __init__(self, name):
        self.dir = os.path.join(SCRATCH, name)
        os.makedirs(self.dir)
        self.log = self.dir + "/auth.log"
        open(self.log, "w").close()
        shutil.copytree("/etc/fail2ban", self.dir + "/conf", symlinks=True)
        shutil.rmtree(self.dir + "/conf/jail.d", ignore_errors=True)
        with open(self.dir + "/conf/jail.local", "w") as file:
            file.write("[sshd]\nenabled = true\nbackend = auto\nlogpath = %s\nusedns = no\nbantime = 1h\n"
                       "action = nftables[type=multiport, port=\"ssh\", protocol=\"tcp\"]\n" % self.log)
        with open(self.dir + "/conf/fail2ban.local", "w") as file:
            file.write("[DEFAULT]\nlogtarget = {0}/log\nsocket = {0}/sock\npidfile = {0}/pid\ndbfile = {0}/db\n".format(self.dir))

    def start(self):
        self.process = subprocess.Popen(["fail2ban-server", "-c", self.dir + "/conf", "-xf", "start"],
                                        stdout=open(self.dir + "/out", "w"), stderr=subprocess.STDOUT)
        text = lambda: open(self.dir + "/log").read() if os.path.exists(self.dir + "/log") else ""
        return until(30, lambda: "Jail 'sshd' started" in text())

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def fail2ban(name):
    """Starts Debian's fail2ban, or says why there is none."""
    if not shutil.which("fail2ban-server"):
        print("SKIPPED fail2ban beside it: fail2ban-server is not installed", flush=True)
        return None
    server = Fail2ban(name)
    if server.start():
        return server
    print("SKIPPED fail2ban beside it: it does not start: " + open(server.dir + "/out").read()[-300:], flush=True)
    server.stop()
    return None


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
        print("SKIPPED line to kernel, journal: systemd-journald is not installed", flush=True)
        return
    journald = subprocess.Popen(["/lib/systemd/systemd-journald"], stderr=subprocess.DEVNULL)
    try:
        path = "/run/systemd/journal/dev-log"
        if not until(10, lambda: os.path.exists(path)):
            print("SKIPPED line to kernel, journal: journald does not start here", flush=True)
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


def start():
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
        ticks = lambda: sum(map(int, open("/proc/%d/stat" % pid).read().rsplit(")", 1)[1].split()[11:13]))
        before = ticks()
        time.sleep(20)
        share = (ticks() - before) / os.sysconf("SC_CLK_TCK") / 20 * 100
        anon = [row for row in open("/proc/%d/status" % pid) if row.startswith("RssAnon")][0]
        return share, int(anon.split()[1]) / 1024

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


def cpu(words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def scan():
    log = SCRATCH + "/two-million.log"
    with open(log, "w") as file:
        subprocess.run([sys.executable, HERE + "/gen.py", "2000000", "7"], stdout=file, check=True)
    os.makedirs(SCRATCH + "/plain")
    seconds = cpu([PROGRAM, "scan", log, "--jail", "sshd", "--json", "-c", SCRATCH + "/plain"])
    theirs = None
    if shutil.which("fail2ban-regex"):
        few = SCRATCH + "/few.log"
        with open(few, "w") as file:
            subprocess.run([sys.executable, HERE + "/gen.py", "100000", "7"], stdout=file, check=True)
        theirs = 100_000 / cpu(["fail2ban-regex", few, "/etc/fail2ban/filter.d/sshd.conf"]) / 1e6
    else:
        print("SKIPPED fail2ban-regex: not installed", flush=True)
    report("scan of 2 million lines", "M/cpu s", 2 / seconds, ">= 1", theirs, "fail2ban-regex: 100,000 lines")


def compile_all():
    """Reads and compiles every jail of Debian's tree: a scan of nothing by all jails, and fail2ban's own dump."""
    if not os.path.exists("/etc/fail2ban/jail.conf"):
        print("SKIPPED reading all stock jails: fail2ban is not installed", flush=True)
        return
    tree = SCRATCH + "/all-jails"
    shutil.copytree("/etc/fail2ban", tree, symlinks=True)
    shutil.rmtree(tree + "/jail.d", ignore_errors=True)
    with open(tree + "/jail.local", "w") as file:
        file.write("[DEFAULT]\nenabled = true\nbackend = auto\n")

    def least(words):
        return min(cpu(words) for _ in range(5)) * 1000

    ours = least([PROGRAM, "scan", "/dev/null", "-c", tree])
    theirs = least(["fail2ban-client", "-c", tree, "-d"])
    report("read and compile all stock jails", "cpu ms", ours, "<= 150", theirs, "fail2ban-client -d: reads, compiles nothing")


def redos():
    """Hostile lines for every stock pattern at hand, by the bench of the daemon's crate; Python gets the famous ones."""
    measured = subprocess.run(os.environ["STOCKADE_REDOS"].split("\n"), check=True, capture_output=True, text=True)
    rows = [json.loads(row) for row in measured.stdout.splitlines() if row.startswith("{")]
    patterns = [row for row in rows if "filter" in row]
    for key, name in (("first_ms", "first search"), ("later_ms", "later search")):
        worst = max(patterns, key=lambda row: row[key])
        report("worst of hostile lines, " + name, "ms", worst[key], "<= 5", None, "%d patterns; %s" % (len(patterns), worst["filter"]))
    script = "import re, sys, time; p = re.compile(sys.argv[1]); b = time.process_time(); p.search(sys.argv[2]); print(time.process_time() - b)"
    for row in rows:
        if "famous" not in row:
            continue
        try:
            done = subprocess.run([sys.executable, "-c", script, row["pattern"], row["line"]], capture_output=True, text=True, timeout=20)
            theirs, note = float(done.stdout) * 1000, "Python"
        except subprocess.TimeoutExpired:
            theirs, note = None, "Python: no answer in 20 s"
        report(row["famous"], "ms", row["ms"], "<= 5", theirs, note)


def reading(server, cores=None):
    """Starts a server and waits until it has read everything that is there: seconds, and processor seconds by thread."""
    ours = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or ours)
    begun = server.start()
    os.sched_setaffinity(0, ours)

    def is_done():
        jails = (server.ask("status") or {"jails": []})["jails"]
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
        with open(log, "w") as file:
            subprocess.run([sys.executable, HERE + "/gen.py", "1000000", str(n)], stdout=file, check=True)
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
        print("SKIPPED reading the journal: systemd-journald is not installed", flush=True)
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
            print("SKIPPED reading the journal: journald does not start here", flush=True)
            return
        ctypes.CDLL(None).prctl(15, b"sshd", 0, 0, 0)
        log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        log.connect(path)
        lines = subprocess.run([sys.executable, HERE + "/gen.py", str(count), "7"], check=True, capture_output=True).stdout.splitlines()
        for row in lines:
            # Behind the date and the host.
            log.send(b"<38>" + row[16:].split(b" ", 1)[1])
    finally:
        journald.terminate()
        journald.wait()
    for jails in (1, 3):
        words = "backend = systemd\nfindtime = 1d\nmaxretry = 1000000" + "".join(
            "\n[sshd-%d]\nenabled = true\nfilter = sshd\nbackend = systemd\nfindtime = 1d\nmaxretry = 1000000" % n for n in range(1, jails))
        found = "/run/log/journal/" + os.listdir("/run/log/journal")[0]
        _, threads = reading(Stockade("journal-rate-%d" % jails, words, "--journal", found))
        rate = count / threads["journal"] / 1000
        report("journal, %d jail%s" % (jails, "s" if jails > 1 else ""), "k/cpu s", rate, ">= 200" if jails == 1 else "-", None,
               "300,000 entries, sshd's filter each")
    subprocess.run(["umount", "/run"])


def main():
    wanted = sys.argv[4:]
    for part in (latency, storm, start, idle, scan, compile_all, redos, journal_latency, two_sources, journal_rate):
        if not wanted or part.__name__ in wanted:
            part()
    with open(OUT, "w") as file:
        json.dump(dict(v=1, time=int(time.time()), kernel=os.uname().release, lost=WATCH.lost, figures=FIGURES), file, indent=1)


main()
