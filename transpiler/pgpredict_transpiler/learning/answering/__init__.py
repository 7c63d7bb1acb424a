"""Estimators that learn with scikit-learn itself, in a worker, and answer in the database."""
