"""How much memory a hundred thousand guessers take: 2,000,000 lines of auth.log, 30 % failing, all guessers equally often."""
import os
import time

import gen
from cost import anonymous, debian_tree, has_fail2ban, most_memory, plain_tree
from report import PROGRAM, SCRATCH, report
from servers import fail2ban, ticks

GUESSERS = 100_000
# Every failure stays counted and nobody is banned.
COUNT_ALL = "maxretry = 1000000\nmaxmatches = 5\nfindtime = 1d\n"
# Seconds that the server of fail2ban gets for the log.
PATIENCE = 300
# Seconds in which it does nothing once it is done.
QUIET = 4


def memory():
    log = SCRATCH + "/memory.log"
    # fail2ban looks at the clock: what is older than its findtime it does not count.
    gen.write(log, "auth", 2_000_000, end=int(time.time()), guessers=GUESSERS, evenly=True)
    cases = [("banning", plain_tree())]
    if has_fail2ban("memory with Debian's configuration, and fail2ban's"):
        cases.append(("counting all, Debian's sshd", debian_tree("counting", "[DEFAULT]\n" + COUNT_ALL)))
    for name, tree in cases:
        most = most_memory([PROGRAM, "scan", log, "--jail", "sshd", "-c", tree])
        theirs, note = served(log) if name.startswith("counting") else (None, "")
        report("scan, 100,000 guessers, " + name, "MB", most, "<= 25", theirs, note)
    os.remove(log)


def served(log):
    """The most memory of fail2ban's server on the log, until it has nothing left to do."""
    server = fail2ban("f2b-memory", settings=COUNT_ALL, log=log)
    if not server:
        return None, ""
    pid, most, begun = server.process.pid, 0, time.monotonic()
    looked, spent = begun, 0
    while time.monotonic() - begun < PATIENCE:
        time.sleep(0.1)
        most = max(most, anonymous(pid))
        if time.monotonic() - looked > QUIET:
            # Its waiting takes a tick now and then.
            before, looked, spent = spent, time.monotonic(), ticks(pid)
            if spent - before < 8:
                break
    done = time.monotonic() - begun < PATIENCE
    counted = server.counted()
    server.stop()
    note = "fail2ban's server, %s failures counted" % counted
    return most, note if done else note + ", ended after %d s on its way" % PATIENCE
