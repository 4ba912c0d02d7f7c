"""The names by which answers call errors of the server."""
