"""Who judges: the rubric, reading a grader's reply, scores, and what grades are worth."""
