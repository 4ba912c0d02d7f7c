"""Stands in for fail2ban's own package, for programs that ask a server over its socket.

It holds what such programs import and nothing else: the client's socket, the errors that answers name, where the socket
is, and the version. The server itself is another program.
"""
