"""What is measured: curvature of the training loss (products, eigenpairs, their tracker), and what is made of it."""
