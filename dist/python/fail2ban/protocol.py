"""What bounds messages on the socket."""

from types import SimpleNamespace

CSPROTO = SimpleNamespace(
    EMPTY=b"",
    END=b"<F2B_END_COMMAND>",
    CLOSE=b"<F2B_CLOSE_COMMAND>",
)
