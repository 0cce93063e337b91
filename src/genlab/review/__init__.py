"""People judge blind in a browser: texts, and how far they agree with the grader; pictures, and which looks more like a class."""
