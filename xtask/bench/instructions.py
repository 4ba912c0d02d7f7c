"""Instructions per line of `stockade scan`, counted by valgrind: the same on a busy machine as on a quiet one.

Two runs for each set of filters, on the first lines of a log and on more of it. Their difference is what a further line
costs, without the start and without the automata that are built at the first search.
"""
import itertools
import re
import shutil
import subprocess

import gen
from cost import DEBIAN, has_fail2ban, plain_tree, tree_of_all_jails
from report import INSTRUCTIONS, PROGRAM, SCRATCH, skipped

FIRST_LINES, MORE_LINES = 2_000, 20_000
# Functions that are told by name.
TOP = 15


def instructions():
    """auth.log with 30 % failing lines."""
    if not shutil.which("valgrind"):
        return skipped("instructions", "valgrind is not installed (package valgrind)")
    first, all = SCRATCH + "/first.log", SCRATCH + "/more.log"
    gen.write(all, "auth", FIRST_LINES + MORE_LINES)
    with open(all, "rb") as whole, open(first, "wb") as few:
        few.writelines(itertools.islice(whole, FIRST_LINES))
    cases = [("built-in sshd filter", ["--jail", "sshd", "-c", plain_tree()])]
    if has_fail2ban("instructions with Debian's filters"):
        cases.append(("Debian's sshd filter", ["--jail", "sshd", "-c", DEBIAN]))
        cases.append(("all of Debian's jails", ["-c", tree_of_all_jails()]))
    for name, words in cases:
        before, after = counted(words, first), counted(words, all)
        lines = {function: (count - before.get(function, 0)) / MORE_LINES for function, count in after.items()}
        per_line, start = sum(lines.values()), sum(before.values())
        top = sorted(lines.items(), key=lambda one: -one[1])[:TOP]
        print("\n%s: %s instructions a line; start and first %s lines %s million" % (
            name, "{:,.0f}".format(per_line), "{:,}".format(FIRST_LINES), "{:,.1f}".format(start / 1e6)))
        for function, count in top:
            print("  %8.1f  %4.1f %%  %s" % (count, 100 * count / per_line, function), flush=True)
        INSTRUCTIONS.append(dict(subject=name, per_line=per_line, start=start, functions=dict(top)))


def counted(words, log):
    """Instructions by function, without those of functions that it calls."""
    out = SCRATCH + "/callgrind.out"
    valgrind = ["valgrind", "--quiet", "--tool=callgrind", "--callgrind-out-file=" + out]
    subprocess.run([*valgrind, PROGRAM, "scan", log, *words], check=True, stdout=subprocess.DEVNULL)
    told = subprocess.run(["callgrind_annotate", "--threshold=100", "--show-percs=no", "--auto=no", out], check=True,
                          capture_output=True, text=True)
    found = {}
    for row in told.stdout.splitlines():
        match = re.match(r"\s*([\d,]+)\s+\S*?:(.*?)(?: \[[^\]]*\])?$", row)
        if match:
            function = plain_name(match[2])
            found[function] = found.get(function, 0) + int(match[1].replace(",", ""))
    return found


def plain_name(function):
    """Without the compiler's mark at the end, and without the number of a recursion."""
    return re.sub(r"::h[0-9a-f]{16}|'\d+$", "", function)
