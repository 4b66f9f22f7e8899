"""Setting jqfollow up: a person's own settings, changed key by key, and what the wizard asks, finds and tries."""
