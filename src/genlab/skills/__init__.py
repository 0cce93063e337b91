"""What is combined: skills and topics, packs of them, and the combinations drawn from a pack."""
