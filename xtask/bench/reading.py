"""What it costs to read and compile a large configuration."""
from cost import has_fail2ban, run, tree_of_all_jails
from report import PROGRAM, report


def compile_all():
    """Reads and compiles every jail of Debian's tree: a scan of nothing by all jails, and fail2ban's own dump."""
    if not has_fail2ban("reading all stock jails"):
        return
    tree = tree_of_all_jails()

    def least(words):
        return min(run(words)[0] for _ in range(5)) * 1000

    ours = least([PROGRAM, "scan", "/dev/null", "-c", tree])
    theirs = least(["fail2ban-client", "-c", tree, "-d"])
    report("read and compile all stock jails", "cpu ms", ours, "<= 150", theirs, "fail2ban-client -d: reads, compiles nothing")
