"""Watches nf_tables: when was an address put into a set? The kernel tells every listener of its group."""
import functools
import re
import socket
import struct
import threading
import time

NETLINK_NETFILTER, GROUP, SOL_NETLINK, ADD, DROP, SO_RCVBUFFORCE = 12, 7, 270, 1, 2, 33
NEWSETELEM = (10 << 8) | 12
# An IPv4 key: an attribute of 8 bytes, type 1.
KEY = re.compile(b"\x08\x00\x01\x00(....)", re.S)


class Watch(threading.Thread):
    """`seen` maps an IPv4 address of 4 bytes to the moment (time.monotonic) its element was committed."""

    def __init__(self):
        super().__init__(daemon=True)
        self.seen = {}
        self.lost = 0
        self.changed = threading.Condition()
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
        self.socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 512 << 20)
        self.socket.bind((0, 0))
        self.listen(True)
        self.start()

    def listen(self, on):
        """With a listener the kernel writes a message for each element, which slows a hundred thousand of them down."""
        self.socket.setsockopt(SOL_NETLINK, ADD if on else DROP, GROUP)

    def run(self):
        while True:
            try:
                data = self.socket.recv(1 << 20)
            except OSError:
                self.lost += 1
                continue
            now, at = time.monotonic(), 0
            while at + 16 <= len(data):
                length, kind = struct.unpack_from("=IH", data, at)
                if length < 16:
                    break
                if kind == NEWSETELEM:
                    for key in KEY.findall(data, at + 20, at + length):
                        self.seen.setdefault(key, now)
                at += (length + 3) & ~3
            with self.changed:
                self.changed.notify_all()

    def wait(self, keys, limit):
        """The moment when the last of the keys was there; None when the time is over before."""
        end = time.monotonic() + limit
        left = list(keys)
        while True:
            # From the end, so that a look costs little while most are missing: the listener needs the processor.
            while left and left[-1] in self.seen:
                left.pop()
            if not left:
                return max(self.seen[key] for key in keys)
            rest = end - time.monotonic()
            if rest <= 0:
                return None
            with self.changed:
                if left[-1] not in self.seen:
                    self.changed.wait(min(rest, 0.1))


@functools.cache
def watch():
    """The one listener, from the first time that somebody asks for it."""
    return Watch()
