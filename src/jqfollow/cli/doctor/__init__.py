"""What must be right, looked at one by one."""
