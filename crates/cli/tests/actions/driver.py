"""Runs the actions of a jail with the installed fail2ban's own classes, one step after the other.

Each line of the standard input is a JSON object: the configuration directory, the environment of the scripts, a file
that takes the name of each step before it is done, and the steps. A child does each, so that nothing is left over from
the one before. The answer is one line: a JSON list of what was logged as an error.
"""

import json
import logging
import os
import sys

from fail2ban.client.configurator import Configurator
from fail2ban.server.ipdns import DNSUtils, IPAddr
from fail2ban.server.mytime import MyTime
from fail2ban.server.server import Server
from fail2ban.server.ticket import BanTicket, FailTicket
from fail2ban.server.transmitter import Transmitter


class Errors(logging.Handler):
    def __init__(self):
        logging.Handler.__init__(self, logging.ERROR)
        self.seen = []

    def emit(self, record):
        self.seen.append(record.getMessage())


def whom(step):
    return step.get("id") or step["ip"]


def ticket(step, kind):
    made = kind(IPAddr(whom(step)), step["time"], step["matches"])
    if step.get("id"):
        made.setData("fid", step["id"])
        if step["ip"]:
            made.setData("ip", IPAddr(step["ip"]))
    made.setAttempt(step["failures"])
    made.setBanTime(step["bantime"])
    for key, value in step["captures"].items():
        made.setData(key, value)
    return made


def work(question):
    errors = Errors()
    logger = logging.getLogger("fail2ban")
    logger.addHandler(errors)
    logger.setLevel(logging.ERROR)
    os.environ.clear()
    os.environ.update(question["environment"])
    MyTime.setTime(question["now"])
    # Whatever this machine has: which families are started hangs on it.
    DNSUtils.setIPv6IsAllowed(question["ipv6"])
    configurator = Configurator()
    configurator.setBaseDir(question["tree"])
    configurator.readAll()
    configurator.getOptions()
    configurator.convertToProtocol()
    server = Server(daemon=False)
    transmitter = Transmitter(server)
    for command in configurator.getConfigStream():
        if command[0] in ("add", "multi-set") or command[:1] == ["set"] and command[1] == "t":
            code, answer = transmitter.proceed(command)
            if code:
                errors.seen.append("%r: %r" % (command, answer))
    actions = server._Server__jails["t"].actions

    def begin(step):
        with open(question["record"], "a") as record:
            record.write("== %s\n" % step["what"])

    for step in question["steps"]:
        begin(step)
        what = step["what"]
        if what == "start":
            # As a jail's thread does: one that fails is told, and the others start.
            for action in actions.values():
                try:
                    action.start()
                except RuntimeError as error:
                    errors.seen.append(str(error))
        elif what.startswith("ban"):
            actions._Actions__checkBan([ticket(step, FailTicket)])
        elif what.startswith("prolong"):
            actions._prolongBan(ticket(step, BanTicket))
        elif what.startswith("unban"):
            actions.removeBannedIP(whom(step))
        elif what == "stop":
            actions._Actions__flushBan(stop=True)
            actions.stopActions()
    return errors.seen


for line in sys.stdin:
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(out)
        # What an action reads must not be our questions.
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        try:
            answer = work(json.loads(line))
        except BaseException as error:
            answer = ["the driver: %r" % error]
        os.write(into, json.dumps(answer).encode())
        os._exit(0)
    os.close(into)
    with os.fdopen(out) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    print(answer, flush=True)
