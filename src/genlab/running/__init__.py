"""How many at once: conditions on this machine's cores."""
