"""Stockade and Debian's fail2ban as servers that guard one log of sshd, each with everything in a directory of its own."""
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time

from cost import debian_tree
from report import PROGRAM, SCRATCH, skipped


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


def until(limit, look):
    end = time.monotonic() + limit
    while time.monotonic() < end:
        if look():
            return True
        time.sleep(0.005)
    return False


def ticks(pid):
    """Processor time of a process, in the kernel's ticks."""
    with open("/proc/%d/stat" % pid) as file:
        return sum(map(int, file.read().rsplit(")", 1)[1].split()[11:13]))


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

    def status(self):
        """What `status --json` says, asked at the socket: to start a program each time would take the processor away."""
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as to:
                to.settimeout(10)
                to.connect(self.dir + "/sock")
                to.sendall(b'{"command":"status"}\n')
                return json.loads(to.makefile().readline())
        except OSError:
            return None

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
    def __init__(self, name, settings, log):
        self.dir = os.path.join(SCRATCH, name)
        os.makedirs(self.dir)
        self.log = log or self.dir + "/auth.log"
        open(self.log, "a").close()
        jail = ("[sshd]\nenabled = true\nbackend = auto\nlogpath = %s\nusedns = no\nbantime = 1h\n"
                "action = nftables[type=multiport, port=\"ssh\", protocol=\"tcp\"]\n" % self.log)
        self.tree = debian_tree(name, jail + settings)
        with open(self.tree + "/fail2ban.local", "w") as file:
            file.write("[DEFAULT]\nlogtarget = {0}/log\nsocket = {0}/sock\npidfile = {0}/pid\ndbfile = {0}/db\n".format(self.dir))

    def start(self):
        self.process = subprocess.Popen(["fail2ban-server", "-c", self.tree, "-xf", "start"],
                                        stdout=open(self.dir + "/out", "w"), stderr=subprocess.STDOUT)
        text = lambda: open(self.dir + "/log").read() if os.path.exists(self.dir + "/log") else ""
        return until(30, lambda: "Jail 'sshd' started" in text())

    def counted(self):
        """How many failures its jail has counted."""
        said = subprocess.run(["fail2ban-client", "-c", self.tree, "status", "sshd"], capture_output=True, text=True).stdout
        found = re.search(r"Total failed:\s*(\d+)", said)
        return found[1] if found else "unknown"

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(60)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def fail2ban(name, settings="", log=None):
    """Starts Debian's fail2ban with these settings for its jail, or says why there is none."""
    if not shutil.which("fail2ban-server"):
        skipped("fail2ban beside it", "fail2ban-server is not installed")
        return None
    server = Fail2ban(name, settings, log)
    if server.start():
        return server
    skipped("fail2ban beside it", "it does not start: " + open(server.dir + "/out").read()[-300:])
    server.stop()
    return None
