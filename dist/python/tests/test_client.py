"""The package beside a server that says what it is told to say. Run: python3 -m unittest discover -s dist/python/tests"""

import os
import pickle
import socket
import sys
import tempfile
import threading
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

from fail2ban.client.configurator import Configurator
from fail2ban.client.csocket import CSocket
from fail2ban.exceptions import DuplicateJailException, UnknownJailException
from fail2ban.protocol import CSPROTO
from fail2ban.server.failregex import RegexException
from fail2ban.version import normVersion, version


class Server:
    """Takes one connection, answers each message with the next of its answers, and keeps what it heard.

    An answer is a list of pieces that are sent apart. Without one that is left it stays silent, or goes away if it is
    told to.
    """

    def __init__(self, *answers, stays=True):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "fail2ban.sock")
        self.heard = []
        self._answers = list(answers)
        self._stays = stays
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(self.path)
        self._listener.listen(1)
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._thread.join()
        self._listener.close()
        self.folder.cleanup()

    def _serve(self):
        connection, _ = self._listener.accept()
        with connection:
            data = b""
            while True:
                part = connection.recv(4096)
                if not part:
                    return
                data += part
                while CSPROTO.END in data:
                    message, _, data = data.partition(CSPROTO.END)
                    self.heard.append(message)
                    if message == CSPROTO.CLOSE:
                        continue
                    if self._answers:
                        for piece in self._answers.pop(0):
                            connection.sendall(piece)
                    elif not self._stays:
                        return


def answer(value, protocol=pickle.HIGHEST_PROTOCOL):
    return [pickle.dumps(value, protocol) + CSPROTO.END]


class Evil:
    """Would make a folder where it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class Talk(unittest.TestCase):
    def ask(self, *pieces, words=("status",)):
        with Server(list(pieces)) as server:
            client = CSocket(server.path)
            try:
                return client.send(list(words))
            finally:
                client.close()

    def test_commands_and_answers(self):
        status = [("Number of jail", 1), ("Jail list", "sshd")]
        with Server(answer((0, "pong")), answer((0, status))) as server:
            client = CSocket(server.path, timeout=60)
            self.assertEqual(client.send(["ping"]), (0, "pong"))
            code, value = client.send(["status", None, 5, 1.5, True, b"x", ("a",), ["a"], {"a": 1}])
            self.assertEqual((code, value), (0, status))
            self.assertIs(type(value[0]), tuple)
            client.close()
            client.close()
        heard = [message if message == CSPROTO.CLOSE else pickle.loads(message) for message in server.heard]
        words = ["status", "None", 5, 1.5, True, "b'x'", "('a',)", ["a"], {"a": 1}]
        self.assertEqual(heard, [["ping"], words, CSPROTO.CLOSE])

    def test_a_connection_that_is_forgotten_is_closed(self):
        with Server(answer((0, "pong"))) as server:
            CSocket(server.path).send(["ping"])
        self.assertEqual(server.heard[-1], CSPROTO.CLOSE)

    def test_every_protocol(self):
        value = (0, [("a", 1), {"b": {1, 2}}, b"\xff", b"", None, 1.5, True, 1 << 70])
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            self.assertEqual(self.ask(*answer(value, protocol)), value)

    def test_addresses_as_the_original_writes_them(self):
        pickled = b"\x80\x04K\x00]\x8c\x08builtins\x8c\x03str\x93\x8c\x09192.0.2.1\x85Ra\x86."
        self.assertEqual(self.ask(pickled + CSPROTO.END), (0, ["192.0.2.1"]))

    def test_errors_are_exceptions(self):
        errors = [
            UnknownJailException("x"),
            DuplicateJailException("x"),
            RegexException("x"),
            IndexError("x"),
            KeyError("x"),
            FileNotFoundError(2, "x"),
            Exception("x"),
        ]
        for error in errors:
            for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
                code, got = self.ask(*answer((1, error), protocol))
                self.assertEqual((code, type(got), got.args), (1, type(error), error.args))
        self.assertTrue(issubclass(UnknownJailException, KeyError))

    def test_an_error_that_nobody_knows_is_an_exception(self):
        code, got = self.ask(b"K\x01cno.such.module\nOddError\n(X\x01\0\0\0xtR\x86." + CSPROTO.END)
        self.assertIsInstance(got, Exception)
        self.assertEqual((code, type(got).__name__, got.args), (1, "OddError", ("x",)))

    def test_nothing_is_called(self):
        with tempfile.TemporaryDirectory() as folder:
            made = os.path.join(folder, "made")
            code, got = self.ask(*answer((0, Evil(made))))
            self.assertIsInstance(got, Exception)
            self.assertFalse(os.path.exists(made))

    def test_an_answer_in_pieces_with_the_mark_inside(self):
        value = (0, [CSPROTO.END.decode(), "x" * 1000])
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            pickled = pickle.dumps(value, protocol) + CSPROTO.END
            cut = pickled.index(CSPROTO.END) + len(CSPROTO.END)
            self.assertEqual(self.ask(pickled[:cut], pickled[cut:-3], pickled[-3:]), value)

    def test_what_is_no_pair_is_given_as_it_is(self):
        self.assertEqual(self.ask(*answer("ERROR: x")), "ERROR: x")
        self.assertEqual(self.ask(*answer(["SHUTDOWN"])), ["SHUTDOWN"])
        with self.assertRaises(pickle.UnpicklingError):
            self.ask(b"xx" + CSPROTO.END)

    def test_a_server_that_is_silent_or_goes_away(self):
        with Server() as server:
            client = CSocket(server.path)
            with self.assertRaises(BlockingIOError):
                client.send(["ping"], nonblocking=True)
            with self.assertRaises(socket.timeout):
                client.send(["ping"], timeout=0.01)
            client.settimeout(0.01)
            with self.assertRaises(socket.timeout):
                client.send(["ping"])
            client.close()
        with Server(stays=False) as server:
            client = CSocket(server.path)
            with self.assertRaises(ConnectionResetError):
                client.send(["ping"])
            client.close()
        with self.assertRaises(FileNotFoundError):
            CSocket("/no/such/socket")


class Configuration(unittest.TestCase):
    def test_the_socket_is_what_is_written_last(self):
        with tempfile.TemporaryDirectory() as folder:
            os.mkdir(os.path.join(folder, "fail2ban.d"))
            configurator = Configurator()
            configurator.setBaseDir(folder)
            for name, path in [
                (None, "/var/run/fail2ban/fail2ban.sock"),
                ("fail2ban.conf", "/1"),
                ("fail2ban.d/a.conf", "/2"),
                ("fail2ban.local", "/3"),
                ("fail2ban.d/a.local", "/4"),
            ]:
                if name:
                    with open(os.path.join(folder, name), "w") as file:
                        file.write("[Definition]\nsocket = %s\n" % path)
                configurator.readEarly()
                self.assertEqual(configurator.getEarlyOptions()["socket"], path)

    def test_the_version_is_one(self):
        self.assertRegex(version, r"^\d+\.\d+\.\d+")
        self.assertTrue(version.startswith(normVersion()))


if __name__ == "__main__":
    unittest.main()
