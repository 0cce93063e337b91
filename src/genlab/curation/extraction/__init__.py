"""Skills extracted: asked of a teacher for a domain, or found behind the examples of a data set; the result is a pack."""
