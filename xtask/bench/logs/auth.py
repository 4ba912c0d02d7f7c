"""auth.log of a server that guessers have found: sessions of one sshd process each, between what a server says itself.

Eight sessions are under way at any time, as on a busy machine. How many lines of each kind come is steered, so that the
share of failing lines is what was asked for. Failing is what tells of a wrong password, an unknown user or too many
tries.
"""
import re

from logs import spread_over, syslog_time

FAILING = re.compile(r"sshd\[\d+\]: (Failed password for|Invalid user |error: maximum authentication attempts exceeded)")

# What a guesser leaves behind, a log-in each, as OpenSSH 8 and 9 write it with PAM.
GUESSES = [
    ["Invalid user {user} from {ip} port {port}",
     "pam_unix(sshd:auth): check pass; user unknown",
     "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip} ",
     "Failed password for invalid user {user} from {ip} port {port} ssh2",
     "Connection closed by invalid user {user} {ip} port {port} [preauth]"],
    ["pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user=root",
     "Failed password for root from {ip} port {port} ssh2",
     "Received disconnect from {ip} port {port}:11: Bye Bye [preauth]",
     "Disconnected from authenticating user root {ip} port {port} [preauth]"],
    ["pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user=root",
     *["Failed password for root from {ip} port {port} ssh2"] * 3,
     "Connection closed by authenticating user root {ip} port {port} [preauth]",
     "PAM 2 more authentication failures; logname= uid=0 euid=0 tty=ssh ruser= rhost={ip}  user=root"],
    [*["Failed password for root from {ip} port {port} ssh2"] * 5,
     "error: maximum authentication attempts exceeded for root from {ip} port {port} ssh2 [preauth]",
     "Disconnecting authenticating user root {ip} port {port}: Too many authentication failures [preauth]"],
]
# Guesses of which nearly only the failures are logged.
DENSE = [
    ["Failed password for root from {ip} port {port} ssh2"] * 5,
    ["Invalid user {user} from {ip} port {port}",
     *["Failed password for invalid user {user} from {ip} port {port} ssh2"] * 2],
    ["Failed password for {user} from {ip} port {port} ssh2"] * 2,
]
# What a server says of itself, by weight.
WORK = [
    (30, ["CRON[{pid}]: pam_unix(cron:session): session opened for user root(uid=0) by (uid=0)",
          "CRON[{pid}]: pam_unix(cron:session): session closed for user root"]),
    (10, ["sudo:   {person} : TTY=pts/{small} ; PWD=/home/{person} ; USER=root ; COMMAND=/usr/bin/systemctl status nginx",
          "sudo: pam_unix(sudo:session): session opened for user root(uid=0) by {person}(uid=1000)",
          "sudo: pam_unix(sudo:session): session closed for user root"]),
    (8, ["sshd[{pid}]: Accepted publickey for {person} from {near} port {port} ssh2: ED25519 SHA256:{key}",
         "sshd[{pid}]: pam_unix(sshd:session): session opened for user {person}(uid=1000) by (uid=0)",
         "systemd-logind[612]: New session {n} of user {person}.",
         "systemd: pam_unix(systemd-user:session): session opened for user {person}(uid=1000) by (uid=0)",
         "sshd[{pid}]: Received disconnect from {near} port {port}:11: disconnected by user",
         "sshd[{pid}]: Disconnected from user {person} {near} port {port}",
         "sshd[{pid}]: pam_unix(sshd:session): session closed for user {person}",
         "systemd-logind[612]: Session {n} logged out. Waiting for processes to exit.",
         "systemd-logind[612]: Removed session {n}."]),
    (6, ["su: (to root) {person} on pts/{small}",
         "su: pam_unix(su:session): session opened for user root(uid=0) by {person}(uid=1000)",
         "su: pam_unix(su:session): session closed for user root"]),
    (5, ["systemd[1]: Starting Daily apt download activities...",
         "systemd[1]: apt-daily.service: Deactivated successfully.",
         "systemd[1]: Finished Daily apt download activities."]),
    (5, ["sshd[{pid}]: Connection closed by {near} port {port} [preauth]"]),
    (3, ["sshd[{pid}]: error: kex_exchange_identification: Connection closed by remote host",
         "sshd[{pid}]: Connection closed by {near} port {port}"]),
    (3, ["polkitd(authority=local): Registered Authentication Agent for unix-process:{pid}:{n} (system bus name "
         ":1.{small} [/usr/bin/pkttyagent --notify-fd 5 --fallback], object path "
         "/org/freedesktop/PolicyKit1/AuthenticationAgent, locale en_US.UTF-8)"]),
    (2, ["dbus-daemon[598]: [system] Failed to activate service 'org.bluez': timed out (service_start_timeout=25000ms)"]),
    (2, ["sshd[{pid}]: Server listening on 0.0.0.0 port 22."]),
]
USERS = ("admin test oracle postgres ubuntu user guest git ftpuser mysql nagios deploy hadoop jenkins minecraft pi support "
         "www-data teamspeak ts3 tomcat vagrant steam es elastic zabbix backup dev 0 1234").split()
PEOPLE = "alice bob carol dave".split()


def addresses(count, dice):
    """Different addresses, one in ten of IPv6, in no order."""
    six = count // 10
    four = set()
    while len(four) < count - six:
        four.add("%d.%d.%d.%d" % (dice.randrange(45, 61), dice.randrange(256), dice.randrange(256), dice.randrange(1, 255)))
    found = sorted(four) + ["2a01:%x:%x:%x::%x" % (0x4f8 + (n >> 16), n & 0xffff, n * 31 & 0xffff, n * 7 + 1) for n in range(six)]
    dice.shuffle(found)
    return found


class Guessers:
    """Some come all day and most come seldom; with `evenly` all come equally often, one after the other."""

    def __init__(self, count, evenly, dice):
        self.known, self.evenly, self.dice = addresses(count, dice), evenly, dice
        self.weights, self.turn, sum = [], 0, 0.0
        for n in range(count):
            sum += 1 / (n + 1)
            self.weights.append(sum)

    def next(self):
        self.turn += 1
        # Every fourth one is the next of the list, so that all of them come.
        every = 1 if self.evenly else 4
        if self.turn % every == 0:
            return self.known[self.turn // every % len(self.known)]
        return self.dice.choices(self.known, cum_weights=self.weights)[0]


def shares(failing):
    """Which share of the lines is of each kind of session, for this share of failing lines."""
    per = lambda sessions: sum(bool(FAILING.match("sshd[1]: " + line)) for one in sessions for line in one) / sum(map(len, sessions))
    usual = per(GUESSES)
    if failing <= usual:
        return {"guesses": failing / usual, "dense": 0.0, "work": 1 - failing / usual}
    dense = min(1.0, (failing - usual * 0.5) / (1 - usual * 0.5))
    guesses = min(1 - dense, max(0.0, (failing - dense) / usual))
    return {"guesses": guesses, "dense": dense, "work": 1 - dense - guesses}


def lines(count, dice, end, failing=0.3, guessers=5000, evenly=False, hours=1):
    """`count` lines of so many hours up to `end`."""
    people, wanted = Guessers(guessers, evenly, dice), shares(failing)
    weights, work = zip(*WORK)
    written, begun = dict.fromkeys(wanted, 0), 0

    def session():
        nonlocal begun
        kind = max(wanted, key=lambda kind: wanted[kind] * (begun + 1) - written[kind])
        pid, port = dice.randrange(1000, 4194304), dice.randrange(1024, 65535)
        if kind == "work":
            texts = dice.choices(work, weights=weights)[0]
            values = dict(pid=pid, port=port, person=dice.choice(PEOPLE), small=dice.randrange(9), n=dice.randrange(99999),
                          near="192.168.1.%d" % dice.randrange(2, 250), key="%043x" % dice.getrandbits(172))
            made = [text.format(**values) for text in texts]
        else:
            texts = dice.choice(GUESSES if kind == "guesses" else DENSE)
            values = dict(ip=people.next(), port=port, user=dice.choice(USERS))
            made = ["sshd[%d]: %s" % (pid, text.format(**values)) for text in texts]
        written[kind] += len(made)
        begun += len(made)
        return made[::-1]

    active = [session() for _ in range(8)]
    for stamp in map(syslog_time, spread_over(count, end, hours)):
        place = dice.randrange(8)
        yield "%s srv1 %s" % (stamp, active[place].pop())
        if not active[place]:
            active[place] = session()
