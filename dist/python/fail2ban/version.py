"""The version of fail2ban that the answers follow."""

version = "1.1.1"


def normVersion():
    """The numbers of the version, without what marks a development state."""
    return version.partition(".dev")[0]
