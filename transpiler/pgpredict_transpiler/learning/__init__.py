"""Estimators that learn row by row: what `partial_fit` does, as the body of a database function."""
