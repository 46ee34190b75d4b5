"""The proof that the loop closes: corrections come back, and the next model is better by them."""
