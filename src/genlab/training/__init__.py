"""How weights move: problems, networks, data, updates, the loop, gradient flow."""
