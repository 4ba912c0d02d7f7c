"""Runs a program as on a kernel without nf_tables: socket(AF_NETLINK, …, NETLINK_NETFILTER) fails."""
import ctypes
import os
import struct
import sys

AF_NETLINK, NETLINK_NETFILTER, EPROTONOSUPPORT = 16, 12, 93
SOCKET = {"x86_64": 41, "aarch64": 198}[os.uname().machine]
LOAD, JUMP_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7FFF0000, 0x00050000 | EPROTONOSUPPORT
# struct seccomp_data: nr at 0, the first argument at 16, the third at 32.
FILTER = [
    (LOAD, 0, 0, 0), (JUMP_EQUAL, 0, 5, SOCKET),
    (LOAD, 0, 0, 16), (JUMP_EQUAL, 0, 3, AF_NETLINK),
    (LOAD, 0, 0, 32), (JUMP_EQUAL, 0, 1, NETLINK_NETFILTER),
    (RETURN, 0, 0, FAIL), (RETURN, 0, 0, ALLOW),
]
code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in FILTER))
program = ctypes.create_string_buffer(struct.pack("=H6xQ", len(FILTER), ctypes.addressof(code)))
libc = ctypes.CDLL(None, use_errno=True)
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0):
    sys.exit(os.strerror(ctypes.get_errno()))
os.execvp(sys.argv[1], sys.argv[1:])
