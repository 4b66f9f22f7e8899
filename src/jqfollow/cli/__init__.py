"""The command line: `jqfollow --help`."""

from jqfollow.cli.app import cli, main

__all__ = ["cli", "main"]
