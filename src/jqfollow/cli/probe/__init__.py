"""`jqfollow probe`: measures on a real account what nobody can know beforehand."""
