"""Lowerings: one module for each family of estimators, one function for each estimator."""
