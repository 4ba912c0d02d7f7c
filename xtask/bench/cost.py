"""What a program costs: processor time of it and its children, and the most anonymous memory that it held."""
import os
import shutil
import subprocess
import time

from report import SCRATCH, skipped

DEBIAN = "/etc/fail2ban"
FAIL2BAN_REGEX = ["fail2ban-regex", "--print-no-missed", "--print-no-ignored"]


def run(words, stdin="/dev/null"):
    """Seconds of processor time, and what the program said. It must say it to a file: grep and its like stop early when
    nobody reads."""
    said = SCRATCH + "/said"
    with open(stdin, "rb") as source, open(said, "wb") as out:
        child = subprocess.Popen(words, stdin=source, stdout=out, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode != 0:
        raise SystemExit("%s ended with %d" % (" ".join(words), child.returncode))
    with open(said, errors="replace") as file:
        return used.ru_utime + used.ru_stime, file.read()


def anonymous(pid):
    """Megabytes of anonymous memory; 0 of a process that is over."""
    try:
        with open("/proc/%d/status" % pid) as file:
            rows = [row for row in file if row.startswith("RssAnon")]
    except ProcessLookupError:
        return 0
    return int(rows[0].split()[1]) / 1024 if rows else 0


def most_memory(words):
    """Megabytes of anonymous memory at the most, looked at every millisecond. (The kernel's own mark counts the mapped
    files too.)"""
    most = 0
    child = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while child.poll() is None:
        most = max(most, anonymous(child.pid))
        time.sleep(0.001)
    return most


def has_fail2ban(what):
    """Whether Debian's fail2ban is there to be measured; if not, says what goes unmeasured."""
    there = shutil.which("fail2ban-regex") and os.path.exists(DEBIAN + "/jail.conf")
    if not there:
        skipped(what, "fail2ban is not installed (package fail2ban)")
    return there


def plain_tree():
    """An empty directory as configuration: what is built in."""
    tree = SCRATCH + "/plain"
    os.makedirs(tree, exist_ok=True)
    return tree


def debian_tree(name, settings):
    """Debian's configuration with these lines as jail.local."""
    tree = SCRATCH + "/tree-" + name
    if not os.path.exists(tree):
        shutil.copytree(DEBIAN, tree, symlinks=True)
        shutil.rmtree(tree + "/jail.d", ignore_errors=True)
        with open(tree + "/jail.local", "w") as file:
            file.write(settings)
    return tree


def tree_of_all_jails():
    return debian_tree("all", "[DEFAULT]\nenabled = true\nbackend = auto\n")
