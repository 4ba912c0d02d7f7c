"""The error that a server's answers name when a failregex or an ignoreregex is wrong."""


class RegexException(Exception):
    """A regular expression is none, or does not say who failed."""
