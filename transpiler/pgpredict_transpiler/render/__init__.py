"""A program as text: SELECT in any dialect, CREATE FUNCTION for Postgres."""
