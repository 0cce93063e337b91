"""The smoothed classifier: a network's outputs averaged over Gaussian noise of its images."""
