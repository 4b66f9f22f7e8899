"""The exchanges' rules, dated."""
