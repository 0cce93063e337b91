"""What is measured: Hessian products, its largest eigenpairs, and their tracker."""
