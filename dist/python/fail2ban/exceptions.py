"""The errors that a server's answers name."""


class UnknownJailException(KeyError):
    """There is no jail of this name."""


class DuplicateJailException(Exception):
    """There is a jail of this name already."""
