"""People check the grader: texts graded blind in a browser, their ratings, and how far grader and people agree."""
