"""Builds the download for Windows: Python, everything it needs and jqfollow in one zip, on any system."""
