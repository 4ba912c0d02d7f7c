"""Asks the installed fail2ban-client many things in one process.

Each line of the standard input is a JSON object: the words of a command line, and what its standard input holds. Each
line of the standard output is the answer as JSON: exit code and both outputs. A child answers each, so that nothing is
left over from the one before.
"""

import json
import os
import sys
import tempfile

from fail2ban.client.fail2banclient import exec_command_line


def ask(words, stdin):
    given = tempfile.TemporaryFile()
    given.write(stdin.encode())
    given.seek(0)
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()
    child = os.fork()
    if child == 0:
        code = 255
        try:
            os.dup2(given.fileno(), 0)
            os.dup2(out.fileno(), 1)
            os.dup2(err.fileno(), 2)
            exec_command_line(["fail2ban-client"] + words)
            code = 0
        except SystemExit as end:
            code = end.code or 0
        finally:
            for stream in (sys.stdout, sys.stderr):
                # The client closes them before it leaves.
                if not stream.closed:
                    stream.flush()
            os._exit(code & 255)
    status = os.waitpid(child, 0)[1]

    def text(file):
        file.seek(0)
        return file.read().decode("utf-8", "backslashreplace")

    return {"code": os.WEXITSTATUS(status), "stdout": text(out), "stderr": text(err)}


for line in sys.stdin:
    print(json.dumps(ask(**json.loads(line))), flush=True)
