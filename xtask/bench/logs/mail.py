"""mail.log of a server with Postfix and Dovecot; attacks are wrong passwords of both, and mail for others to be relayed."""
from logs import Crowd, spread_over, syslog_time

BAD = [
    "postfix/smtpd[{pid}]: warning: unknown[{ip}]: SASL LOGIN authentication failed: UGFzc3dvcmQ6",
    "postfix/smtps/smtpd[{pid}]: warning: unknown[{ip}]: SASL PLAIN authentication failed: authentication failure",
    "postfix/smtpd[{pid}]: NOQUEUE: reject: RCPT from unknown[{ip}]: 554 5.7.1 <spam@example.net>: Relay access denied; "
    "from=<spam@example.com> to=<spam@example.net> proto=ESMTP helo=<mail>",
    "dovecot: imap-login: Disconnected (auth failed, 3 attempts in 12 secs): user=<info@example.org>, method=PLAIN, rip={ip}, "
    "lip=192.0.2.10, TLS, session=<{id}>",
]
WORK = [
    "postfix/smtpd[{pid}]: connect from mail-{pid}.example.com[{ip}]",
    "postfix/smtpd[{pid}]: disconnect from mail-{pid}.example.com[{ip}] ehlo=2 starttls=1 mail=1 rcpt=1 data=1 quit=1 commands=7",
    "postfix/qmgr[811]: {id}: from=<news@example.com>, size={pid}, nrcpt=1 (queue active)",
    "postfix/cleanup[{pid}]: {id}: message-id=<{id}@example.com>",
    "postfix/lmtp[{pid}]: {id}: to=<bob@example.org>, relay=mx1[private/dovecot-lmtp], delay=0.3, delays=0.2/0/0/0.1, dsn=2.0.0, "
    "status=sent (250 2.0.0 <bob@example.org> Saved)",
    "postfix/qmgr[811]: {id}: removed",
    "dovecot: imap-login: Login: user=<bob@example.org>, method=PLAIN, rip={ip}, lip=192.0.2.10, mpid={pid}, TLS, session=<{id}>",
    "dovecot: imap(bob@example.org)<{pid}><{id}>: Disconnected: Logged out in={pid} out={pid}0 deleted=0 expunged=0 trashed=0 "
    "hdr_count=0 hdr_bytes=0 body_count=0 body_bytes=0",
]


def lines(count, dice, end, failing=0.01, guessers=500):
    crowd = Crowd(dice, failing, guessers)
    for second in spread_over(count, end):
        attack, ip = crowd.next()
        text = dice.choice(BAD if attack else WORK)
        values = dict(ip=ip, pid=dice.randrange(1000, 99_999), id="%010X" % dice.getrandbits(40))
        yield "%s mx1 %s" % (syslog_time(second), text.format(**values))
