"""`jqfollow setup`: the wizard."""
