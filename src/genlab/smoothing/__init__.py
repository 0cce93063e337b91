"""The smoothed classifier: what a network says under Gaussian noise, what is certain about it, and its gradients."""
