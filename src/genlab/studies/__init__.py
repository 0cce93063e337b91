"""Where parts meet: one folder a paper."""
