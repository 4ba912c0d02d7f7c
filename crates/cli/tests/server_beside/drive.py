"""Sends the commands of a file to a fail2ban server, as its own client does, and prints what comes back.

One JSON object for each line: the value as Python shows it, the text that the client prints, the exit code.
"""

import json
import shlex
import sys

from fail2ban.client.beautifier import Beautifier
from fail2ban.client.csocket import CSocket

path, commands = sys.argv[1:3]
for line in open(commands):
    words = shlex.split(line)
    socket = CSocket(path)
    code, value = socket.send(words)
    socket.close()
    beautifier = Beautifier(words)
    if code == 0:
        shown = repr(value)
        text = str(beautifier.beautify(value))
    else:
        shown = "%s%r" % (type(value).__name__, tuple(value.args))
        text = str(beautifier.beautifyError(value))
    print(json.dumps({"line": line.strip(), "value": shown, "text": text, "code": 255 if code else 0}))
