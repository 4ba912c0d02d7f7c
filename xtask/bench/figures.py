"""The figures of `cargo xtask bench`: `figures.py PROGRAM SCRATCH OUT.json [PART…]`, best in namespaces of its own.

Each figure is measured for stockade and, where that ends in bounded time, for others in the same run. What a part needs
and does not find it skips, and says so; nothing is installed.
"""
import importlib
import os
import sys

from report import skipped, write

# Part, the module that has it, and whether it changes network or mounts and thus needs to be root in namespaces.
PARTS = [
    ("latency", "latency", True),
    ("storm", "latency", True),
    ("start", "running", True),
    ("idle", "running", True),
    ("scan", "matching", False),
    ("web_mail", "matching", False),
    ("memory", "memory", True),
    ("instructions", "instructions", False),
    ("two_sources", "busy", True),
    ("compile_all", "reading", False),
    ("redos", "hostile", False),
    # They hide directories of the system from those after it.
    ("journal_latency", "latency", True),
    ("journal_rate", "busy", True),
]


def main():
    wanted = sys.argv[4:]
    unknown = set(wanted) - {name for name, *_ in PARTS}
    if unknown:
        sys.exit("bench: no part %s; there are %s" % (", ".join(unknown), " ".join(name for name, *_ in PARTS)))
    for name, module, privileged in PARTS:
        if wanted and name not in wanted:
            continue
        if privileged and os.geteuid() != 0:
            skipped(name, "needs root to make namespaces")
            continue
        getattr(importlib.import_module(module), name)()
    kernel = sys.modules.get("kernel")
    write(lost=kernel.watch().lost if kernel else 0)


main()
