"""Writes a log as a busy server would: `gen.py auth|access|error|mail LINES [--failing SHARE] [--guessers COUNT]
[--evenly] [--hours COUNT] [--seed N] [--end EPOCH] > FILE`. The same arguments give the same bytes; see `logs`.
"""
import argparse
import random
import sys

from logs import auth, mail, web

KINDS = dict(auth=auth.lines, access=web.access, error=web.error, mail=mail.lines)
# An end that is always the same: years that syslog does not write are found out from when the file was written.
END = 1_764_003_600


def write(path, kind, count, seed=1, end=END, **how):
    """Writes a log of this kind to a file; `how` is what its `lines` takes."""
    with open(path, "w") as file:
        give(file, kind, count, seed, end, **how)


def give(file, kind, count, seed, end, **how):
    file.writelines(line + "\n" for line in KINDS[kind](count, random.Random(seed), end, **how))


def main():
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("kind", choices=KINDS)
    words.add_argument("lines", type=int)
    words.add_argument("--failing", type=float, help="share of failing lines, up to 0.98")
    words.add_argument("--guessers", type=int, help="addresses that fail")
    words.add_argument("--evenly", action="store_const", const=True, help="all of them come equally often (auth)")
    words.add_argument("--hours", type=int, help="that the lines tell of (auth)")
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--end", type=int, default=END, help="time of the last line")
    given = {name: value for name, value in vars(words.parse_args()).items() if value is not None}
    give(sys.stdout, given.pop("kind"), given.pop("lines"), **given)


if __name__ == "__main__":
    main()
