"""A place to look: a local page on a store, live while a run goes on, and the same as one file to send around."""
