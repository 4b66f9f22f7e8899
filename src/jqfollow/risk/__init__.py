"""May this order go out?"""
