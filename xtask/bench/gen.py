"""Writes a syslog file like that of a busy server: `gen.py LINES SEED > FILE`. The same arguments give the same bytes.

About half of the lines are failed log-ins of a few thousand attackers, some of whom come back all day; the rest is what
a server says of its own: timers, log-ins of people, administration.
"""
import random
import sys

USERS = ["root", "admin", "test", "oracle", "ubuntu", "git", "pi", "deploy", "backup", "www"]
PEOPLE = ["alice", "bob", "carol"]
BEGIN = 1_764_000_000


def address(dice):
    if dice.random() < 0.15:
        return "2001:db8:%x:%x::%x" % (dice.randrange(1, 65536), dice.randrange(1, 65536), dice.randrange(1, 65536))
    return "198.%d.%d.%d" % (dice.randrange(18, 20), dice.randrange(256), dice.randrange(1, 255))


def attack(dice, source, pid):
    user, port = dice.choice(USERS), dice.randrange(1024, 65536)
    name = "sshd[%d]: " % pid
    tries = dice.randrange(1, 4)
    if user == "root":
        lines = ["Failed password for root from %s port %d ssh2" % (source, port)] * tries
        lines.append("Connection closed by authenticating user root %s port %d [preauth]" % (source, port))
    else:
        lines = ["Invalid user %s from %s port %d" % (user, source, port)]
        lines += ["Failed password for invalid user %s from %s port %d ssh2" % (user, source, port)] * tries
        lines.append("Disconnected from invalid user %s %s port %d [preauth]" % (user, source, port))
    return [name + line for line in lines]


def work(dice, pid):
    person = dice.choice(PEOPLE)
    return dice.choice([
        ["CRON[%d]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)" % pid,
         "CRON[%d]: (root) CMD (test -x /usr/sbin/anacron || run-parts --report /etc/cron.hourly)" % pid,
         "CRON[%d]: pam_unix(cron:session): session closed for user root" % pid],
        ["sshd[%d]: Accepted publickey for %s from 203.0.113.%d port 50022 ssh2: ED25519 SHA256:abcdef" % (pid, person, pid % 250),
         "sshd[%d]: pam_unix(sshd:session): session opened for user %s(uid=1000) by (uid=0)" % (pid, person)],
        ["sudo:    %s : TTY=pts/0 ; PWD=/home/%s ; USER=root ; COMMAND=/usr/bin/systemctl reload nginx" % (person, person)],
        ["systemd[1]: Started session-%d.scope - Session %d of User %s." % (pid, pid, person)],
        ["kernel: [%d.125] eth0: link becomes ready" % pid],
    ])


def main():
    count, dice = int(sys.argv[1]), random.Random(int(sys.argv[2]))
    import time
    known = [address(dice) for _ in range(3000)]
    written, clock, out = 0, float(BEGIN), sys.stdout
    stamp, second = "", 0
    while written < count:
        clock += dice.expovariate(20.0)
        pid = dice.randrange(300, 4_000_000)
        lines = attack(dice, dice.choice(known), pid) if dice.random() < 0.33 else work(dice, pid)
        if int(clock) != second:
            second = int(clock)
            stamp = time.strftime("%b %e %H:%M:%S", time.gmtime(second))
        for line in lines[:count - written]:
            out.write("%s host %s\n" % (stamp, line))
            written += 1


main()
