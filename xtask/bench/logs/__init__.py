"""Logs as busy servers write them, made up: the same arguments give the same bytes.

Each module has `lines(count, dice, end, …)`, where `dice` is a `random.Random` and `end` the time of the last line in
seconds since 1970. The lines tell of one hour, if they are not asked for more.
"""
import functools
import time

HOUR = 3600


def spread_over(count, end, hours=1):
    """The second of each line."""
    return (end - hours * HOUR + n * hours * HOUR // count for n in range(count))


@functools.lru_cache(4)
def syslog_time(second):
    return time.strftime("%b %e %H:%M:%S", time.gmtime(second))


def address(dice, first):
    """An address whose first number is from here on up to 15 more."""
    return "%d.%d.%d.%d" % (dice.randrange(first, first + 15), dice.randrange(256), dice.randrange(256), dice.randrange(1, 255))


class Crowd:
    """Visitors, and among them those who attack."""

    def __init__(self, dice, failing, attackers):
        self.dice, self.failing = dice, failing
        self.attackers = [address(dice, 45) for _ in range(attackers)]
        self.visitors = [address(dice, 80) for _ in range(20_000)]

    def next(self):
        """Whether this line is of an attack, and whose it is."""
        attack = self.dice.random() < self.failing
        return attack, self.dice.choice(self.attackers if attack else self.visitors)
