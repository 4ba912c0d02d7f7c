"""How fast lines are matched: processor time per million lines, beside others on the same log in the same run.

Everything a program does for its answer counts, its start too. Slow ones get the first part of the log, and nothing is
subtracted: their figure holds a little more of the start. Programs take turns, three times, so that a busy moment of the
machine does not fall on one of them alone.
"""
import itertools
import os
import re
import shutil
import statistics

import gen
from cost import DEBIAN, FAIL2BAN_REGEX, has_fail2ban, plain_tree, run, tree_of_all_jails
from report import MATCHING, PROGRAM, SCRATCH, skipped

# Each of so many turns takes at least so many seconds of processor time.
TURNS, TURN = 3, 1.0
SLOW_LINES = 200_000
SSHGUARD = "/usr/libexec/sshguard/sshg-parser"
# What any matcher of such lines does at least: search each one with a regex of the usual kind.
FLOOR = r"sshd\[\d+\]: (?:Failed \S+ for .* from|Invalid user .* from) (?:\d{1,3}(?:\.\d{1,3}){3}|[0-9a-f:]+)"
GOALS = {  # by the share of failing lines: one filter, all jails
    0.01: (0.08, 0.40),
    0.30: (0.28, 0.60),
    0.90: (0.50, 0.90),
}
# So many times as fast as fail2ban-regex every filter of other logs should be.
GOAL_TIMES = 150


class Log:
    """A generated log, whole and its beginning."""

    def __init__(self, name, kind, lines, **how):
        self.name, self.lines = name, lines
        self.path = "%s/%s" % (SCRATCH, re.sub(r"\W+", "-", name))
        gen.write(self.path, kind, lines, **how)
        self.few = self.path + ".few"
        self.few_lines = min(lines, SLOW_LINES)
        with open(self.path, "rb") as whole, open(self.few, "wb") as few:
            few.writelines(itertools.islice(whole, self.few_lines))

    def remove(self):
        os.remove(self.path)
        os.remove(self.few)


class Contender:
    """A program that reads a log; `few` if it is slow."""

    def __init__(self, name, words, log, few=False, stdin=False, goal=None, goal_times=None, found=None):
        self.name, self.goal, self.goal_times, self.found = name, goal, goal_times, found
        self.lines = log.few_lines if few else log.lines
        path = log.few if few else log.path
        self.words = words if stdin else words + [path]
        self.stdin = path if stdin else "/dev/null"
        self.seconds, self.matched = [], None

    def measure(self):
        """Its turn. What is over at once runs again, so that a busy moment does not fall on all of its runs."""
        used = 0
        while used < TURN:
            seconds, said = run(self.words, self.stdin)
            self.seconds.append(seconds / self.lines * 1e6)
            used += seconds
        if self.found:
            self.matched = self.found(said)


def stockade(name, jail, tree, log, **goal):
    jails = ["--jail", jail] if jail else []
    failures = lambda said: sum(map(int, re.findall(r"^\S+: (\d+) failures", said, re.M)))
    return Contender("stockade, " + name, [PROGRAM, "scan", *jails, "-c", tree], log, found=failures, **goal)


def fail2ban_regex(filter, log):
    """Its words come the other way round: the log, then the filter."""
    matched = lambda said: int(re.search(r"(\d+) matched", said)[1])
    one = Contender("fail2ban-regex", FAIL2BAN_REGEX, log, few=True, found=matched)
    one.words = one.words + [filter]
    return one


def peers(log):
    """Those that read any log; the first one only reads it, as we do: nobody who looks at each byte is faster."""
    readers = [Contender("dd, which only reads", ["dd", "bs=64k", "of=/dev/null", "status=none"], log, stdin=True)]
    if os.path.exists(SSHGUARD):
        readers.append(Contender("sshg-parser", [SSHGUARD], log, stdin=True))
    else:
        skipped("sshg-parser", "not installed (package sshguard)")
    return readers


def compare(log, about, contenders):
    """Measures all of them in turns and tells the table."""
    for _ in range(TURNS):
        for one in contenders:
            one.measure()
    least = {one.name: min(one.seconds) for one in contenders}
    columns = [name for name in ("fail2ban-regex", "sshg-parser", "rg") if name in least]
    title = "%s, %s lines%s: CPU s / million lines" % (log.name, "{:,}".format(log.lines), about and ", " + about)
    print("\n%-66s %8s %8s  %-18s %s" % (title, "least", "median", "goal", "  ".join(name + " takes" for name in columns)))
    for one in contenders:
        cost, median = least[one.name], statistics.median(one.seconds)
        times = {name: least[name] / cost for name in columns}
        goal, met = "-", None
        if one.goal is not None:
            goal, met = "<= %.2f" % one.goal, cost <= one.goal
        elif one.goal_times is not None and "fail2ban-regex" in times:
            goal, met = ">= %dx" % one.goal_times, times["fail2ban-regex"] >= one.goal_times
        verdict = {None: "", True: " met", False: " MISSED"}[met]
        shown = ["%*s" % (len(name) + 6, "%.3gx" % times[name]) for name in columns]
        print("  %-64s %8.3f %8.3f  %-18s %s" % (one.name, cost, median, goal + verdict, "  ".join(shown)), flush=True)
        MATCHING.append(dict(log=log.name, about=about, subject=one.name, lines=one.lines, seconds=one.seconds, least=cost,
                             median=median, goal=goal, met=met, times=times, matched=one.matched))


def scan():
    """auth.log of a busy hour, with few, some and nearly only failing lines; and of days with a line a second."""
    debian = has_fail2ban("Debian's filters and fail2ban-regex")
    if not shutil.which("rg"):
        skipped("the floor by rg", "not installed (package ripgrep)")
    for share, goals in GOALS.items():
        scan_log(Log("auth.log %d %% failing" % round(share * 100), "auth", 2_000_000, failing=share), goals, debian)
    seldom = Log("auth.log 1 % failing, a line a second", "auth", 150 * 3600, failing=0.01, hours=150)
    scan_log(seldom, (None, None), debian)


def scan_log(log, goals, debian):
    """One of them; the goals are for one filter and for all jails."""
    one_filter, all_filters = goals
    contenders = [stockade("built-in sshd filter", "sshd", plain_tree(), log, goal=one_filter)]
    if debian:
        contenders.append(stockade("Debian's sshd filter", "sshd", DEBIAN, log, goal=one_filter))
        contenders.append(stockade("all of Debian's jails", None, tree_of_all_jails(), log, goal=all_filters))
    if shutil.which("rg"):
        contenders.append(Contender("rg", ["rg", "-j1", "-c", "-e", FLOOR], log))
    contenders += peers(log)
    if debian:
        contenders.append(fail2ban_regex("sshd", log))
    compare(log, "", contenders)
    log.remove()


# Kind of log, its name, and for each filter: the built-in jail, Debian's jail, the filter for fail2ban-regex.
OTHER_LOGS = [
    ("access", "nginx access.log", [(None, "nginx-botsearch", "nginx-botsearch")]),
    ("error", "nginx error.log", [("nginx-http-auth", "nginx-http-auth", "nginx-http-auth")]),
    ("mail", "mail.log", [("postfix-sasl", "postfix-sasl", "postfix[mode=auth]"), (None, "postfix", "postfix[mode=more]"),
                          ("dovecot", "dovecot", "dovecot")]),
]


def web_mail():
    """Logs of nginx, Postfix and Dovecot, one line in a hundred failing."""
    debian = has_fail2ban("Debian's filters and fail2ban-regex")
    for kind, name, filters in OTHER_LOGS:
        log = Log(name, kind, 1_000_000)
        for built_in, jail, filter in filters:
            contenders = []
            if built_in:
                contenders.append(stockade("built-in " + built_in, built_in, plain_tree(), log, goal_times=GOAL_TIMES))
            if debian:
                contenders.append(stockade("Debian's " + jail, jail, DEBIAN, log, goal_times=GOAL_TIMES))
            contenders += peers(log)
            if debian:
                contenders.append(fail2ban_regex(filter, log))
            compare(log, filter, contenders)
        log.remove()
