"""Lets the installed fail2ban work on database files.

Each line of the standard input is a JSON object: what to do (`do`), with which file (`path`), and how. Each line of the
standard output is the answer as JSON, or what went wrong under `error`.
"""

import json
import logging
import sys

sys.path.append("/usr/lib/python3/dist-packages")
logging.disable(logging.CRITICAL)

from fail2ban.server.database import Fail2BanDb
from fail2ban.server.mytime import MyTime
from fail2ban.server.ticket import FailTicket

FOR_EVER = 10**12


class Jail:
    """What the database wants to know of a jail."""

    def __init__(self, name):
        self.name = name
        self.actions = self

    def getBanTime(self):
        return 600

    def getMaxBanTime(self):
        return FOR_EVER


class Log:
    """What the database wants to know of a log file."""

    def __init__(self, row):
        self.row = row

    def getFileName(self):
        return self.row["path"]

    def getHash(self):
        return self.row["hash"]

    def getPos(self):
        return self.row["offset"]


def told(ticket):
    data = ticket.getData()
    return {
        "ip": str(ticket.getID()),
        "time": ticket.getTime(),
        "length": ticket.getBanTime(),
        "count": ticket.getBanCount(),
        "matches": ticket.getMatches(),
        "failures": ticket.getAttempt(),
        "data": {k: v for k, v in data.items() if k not in ("matches", "failures")},
    }


def upgrade(database, question):
    return {}


def read(database, question):
    bans = database.getCurrentBans(
        jail=Jail(question["jail"]),
        fromtime=question["now"],
        forbantime=FOR_EVER,
        correctBanTime=False,
        maxmatches=FOR_EVER,
    )
    return {"bans": [told(ban) for ban in bans]}


def merged(database, question):
    database.maxMatches = question["most"]
    jail = question.get("jail")
    ticket = database.getBansMerged(question["ip"], jail=Jail(jail) if jail else None)
    return {"merged": told(ticket) if ticket else None}


def write(database, question):
    database.maxMatches = question["most"]
    for ban in question["bans"]:
        jail = Jail(ban["jail"])
        database.addJail(jail)
        matches = [tuple(m) if isinstance(m, list) else m for m in ban["matches"]]
        data = ban["data"]
        if "users" in data:
            data["users"] = set(data["users"])
        ticket = FailTicket(ban["ip"], ban["time"], matches, data=data)
        ticket.setAttempt(ban["failures"])
        ticket.setBanTime(ban["length"])
        ticket.setBanCount(ban["count"])
        database.addBan(jail, ticket)
    for row in question["logs"]:
        jail = Jail(row["jail"])
        database.addJail(jail)
        database.addLog(jail, Log(row))
        database.updateLog(jail, Log(row))
    for row in question["journal"]:
        jail = Jail(row["jail"])
        database.addJail(jail)
        database.updateJournal(jail, "systemd-journal", row["time"], "text ")
    return {}


def positions(database, question):
    at = lambda row: database.addLog(Jail(row["jail"]), Log(row))
    journal = lambda jail: database.getJournalPos(Jail(jail), "systemd-journal")
    return {
        "logs": [at(row) for row in question["logs"]],
        "journal": [journal(jail) for jail in question["journal"]],
    }


def unban(database, question):
    database.delBan(Jail(question["jail"]), *question["ips"])
    return {}


def purge(database, question):
    MyTime.setTime(question["now"])
    database.purgeage = question["age"]
    database.purge()
    MyTime.setTime(None)
    return {}


for line in sys.stdin:
    question = json.loads(line)
    try:
        database = Fail2BanDb(question["path"], purgeAge=FOR_EVER)
        answer = globals()[question["do"]](database, question)
        database.close()
    except Exception as error:
        answer = {"error": repr(error)}
    print(json.dumps(answer), flush=True)
