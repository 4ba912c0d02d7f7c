"""A connection to a server's socket: one pickled command each way, with a mark behind it."""

import codecs
import errno
import importlib
import io
import os
import pickle
import socket

from ..protocol import CSPROTO

_DEFAULT = "/var/run/fail2ban/fail2ban.sock"


class CSocket:
    """A connection. It can be asked any number of times, one after the other."""

    def __init__(self, sock=_DEFAULT, timeout=-1):
        """Connects to a path. The timeout is in seconds; None waits for ever, -1 as long as sockets do by default.

        Raises OSError if nobody listens there or this user may not.
        """
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._default = self._socket.gettimeout()
        try:
            self.settimeout(timeout)
            self._socket.connect(sock)
        except BaseException:
            self._socket.close()
            self._socket = None
            raise

    def __del__(self):
        self.close()

    def settimeout(self, timeout):
        """How many seconds to wait; None for ever, -1 as long as at the beginning."""
        self._socket.settimeout(self._default if timeout == -1 else timeout)

    def send(self, msg, nonblocking=False, timeout=None):
        """Sends a command, a list of words, and gives the answer: (0, result) or (1, exception).

        What the server cannot read it answers with a text instead. With a timeout it waits so long for each part of
        the answer; without blocking it takes only what is there. Raises OSError if nothing comes: TimeoutError,
        BlockingIOError, ConnectionResetError where the server goes away.
        """
        words = [self.convert(word) for word in msg]
        self._socket.sendall(pickle.dumps(words, pickle.HIGHEST_PROTOCOL) + CSPROTO.END)
        return self.receive(self._socket, nonblocking, timeout)

    def close(self):
        """Says that no more comes, and hangs up. A second time it does nothing."""
        connection = getattr(self, "_socket", None)
        if connection is None:
            return
        self._socket = None
        try:
            connection.sendall(CSPROTO.CLOSE + CSPROTO.END)
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            # The other side was faster.
            pass
        finally:
            connection.close()

    @staticmethod
    def convert(m):
        """A word as it travels: plain data as it is, all else as text."""
        if isinstance(m, (str, bool, int, float, list, dict, set)):
            return m
        return str(m)

    @staticmethod
    def receive(sock, nonblocking=False, timeout=None):
        """The next answer from a connected socket; see send."""
        flags = socket.MSG_DONTWAIT if nonblocking else 0
        before = sock.gettimeout()
        if timeout is not None:
            sock.settimeout(timeout)
        try:
            data = bytearray()
            while True:
                part = sock.recv(1 << 16, flags)
                if not part:
                    raise ConnectionResetError(errno.ECONNRESET, os.strerror(errno.ECONNRESET))
                data += part
                if data.endswith(CSPROTO.END):
                    try:
                        return _load(bytes(data[: -len(CSPROTO.END)]))
                    except _Incomplete:
                        # A text that holds the mark was cut behind it.
                        pass
        finally:
            if timeout is not None:
                sock.settimeout(before)


class _Incomplete(Exception):
    """The pickle goes on."""


def _load(data):
    try:
        return _Answers(io.BytesIO(data)).load()
    except EOFError as error:
        raise _Incomplete from error
    except pickle.UnpicklingError as error:
        if "truncated" in str(error):
            raise _Incomplete from error
        raise


class _Answers(pickle.Unpickler):
    """Makes plain data and exceptions, and nothing else, whatever a pickle names."""

    def find_class(self, module, name):
        # As Python 2 called it, and protocols up to 2 still do.
        if module in ("__builtin__", "exceptions"):
            module = "builtins"
        if (module, name) in _PLAIN:
            return _PLAIN[module, name]
        if module in _WITH_ERRORS:
            found = getattr(importlib.import_module(module), name, None)
            if isinstance(found, type) and issubclass(found, Exception):
                return found
        # An error of a module that need not be here.
        return type(name, (Exception,), {"__module__": module})


# What a pickle may call besides exceptions: how older protocols write plain data, and how the original writes addresses.
_PLAIN = {
    ("builtins", "str"): str,
    ("builtins", "unicode"): str,
    ("builtins", "bytes"): bytes,
    ("builtins", "set"): set,
    ("_codecs", "encode"): codecs.encode,
}

# Where the classes of errors may come from.
_WITH_ERRORS = ("builtins", "fail2ban.exceptions", "fail2ban.server.failregex")
