"""Hostile lines for every stock pattern at hand, by the bench of the daemon's crate; Python gets the famous ones."""
import json
import os
import subprocess
import sys

import report as reports
from report import report

# Milliseconds that the worst line of 64 KiB may take a pattern.
GOAL = 1
# How many of those that take longer are told.
TOLD = 12
PYTHON = "import re, sys, time; p = re.compile(sys.argv[1]); b = time.process_time(); p.search(sys.argv[2]); print(time.process_time() - b)"


def redos():
    measured = subprocess.run(os.environ["STOCKADE_REDOS"].split("\n"), check=True, capture_output=True, text=True)
    rows = [json.loads(row) for row in measured.stdout.splitlines() if row.startswith("{")]
    patterns, rules = [row for row in rows if "filter" in row], [row for row in rows if "rule" in row]
    for name, of, size, kind, goal in (
            ("hostile line of 1,500 letters, pattern", patterns, "short", "filter", 5),
            ("hostile line of 64 KiB, pattern", patterns, "long", "filter", GOAL),
            ("hostile line of 64 KiB, whole filter", rules, "long", "rule", None)):
        for key, search in (("first_ms", "first"), ("later_ms", "later")):
            worst = max(of, key=lambda row: row[size][key])
            missed = "" if goal is None else "; %d miss" % sum(row[size][key] > goal for row in of)
            report("worst %s, %s" % (name, search), "ms", worst[size][key], "<= %d" % goal if goal else "-", None,
                   "%d in all%s; %s" % (len(of), missed, worst[kind]))
    for size in ("short", "long"):
        worst = max(patterns, key=lambda row: row[size]["steps"])
        report("most steps a byte, %s lines" % size, "steps", worst[size]["steps"], "-", None, worst["filter"])
    of_long = lambda row: max(row["long"]["first_ms"], row["long"]["later_ms"])
    slow = sorted((row for row in patterns if of_long(row) > GOAL), key=of_long, reverse=True)
    for row in slow[:TOLD]:
        print("  %(first_ms)9.3f ms first %(later_ms)9.3f ms later %(steps)8.1f steps a byte" % row["long"],
              row["filter"], row["pattern"][:70])
    reports.HOSTILE.extend(slow)
    for row in rows:
        if "famous" in row:
            ask_python(row)


def ask_python(row):
    try:
        done = subprocess.run([sys.executable, "-c", PYTHON, row["pattern"], row["line"]], capture_output=True, text=True, timeout=20)
        theirs, note = float(done.stdout) * 1000, "Python"
    except subprocess.TimeoutExpired:
        theirs, note = None, "Python: no answer in 20 s"
    report(row["famous"], "ms", row["ms"], "<= 5", theirs, note)
