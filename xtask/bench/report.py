"""Where figures go: to the terminal as they come, and all of them to a file of JSON at the end.

The words of the program are `PROGRAM SCRATCH OUT.json [PART…]`.
"""
import json
import os
import sys
import time

PROGRAM, SCRATCH, OUT = sys.argv[1:4]
FIGURES = []
MATCHING = []
INSTRUCTIONS = []
HOSTILE = []


def report(name, unit, stockade, goal, fail2ban=None, note=""):
    """One question with its goal, and what fail2ban answers."""
    FIGURES.append(dict(name=name, unit=unit, stockade=stockade, goal=goal, fail2ban=fail2ban, note=note))
    text = "-" if fail2ban is None else "%.4g" % fail2ban
    ours = "-" if stockade is None else "%.4g" % stockade
    print("%-44s %10s %-8s goal %-10s fail2ban %-10s %s" % (name, ours, unit, goal, text, note), flush=True)


def skipped(what, why):
    print("SKIPPED %s: %s" % (what, why), flush=True)


def write(**more):
    machine = dict(kernel=os.uname().release, cores=os.cpu_count(), load=os.getloadavg()[0])
    with open(OUT, "w") as file:
        json.dump(dict(v=2, time=int(time.time()), **machine, figures=FIGURES, matching=MATCHING, instructions=INSTRUCTIONS,
                       hostile=HOSTILE, **more), file, indent=1)
