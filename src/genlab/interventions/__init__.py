"""What we change: interventions, each a value that makes of a batch the gradient that a step goes along."""
