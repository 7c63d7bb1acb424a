"""The batch engine: `pgpredict.Database.score`, from a table to a table, in the database.

request      what somebody asked for
preparing    all checks; a request becomes a job
sources      what is scored: a table, a view, a query
targets      where the scores go
rows         the SELECT of scored rows
unfolding    the functions of a version as expressions of that SELECT
whole        a new table, in one statement
filling      a new table, on several connections
swapping     it takes the place of the old one
partitioned  partition by partition
periods      which partitions
in_place     rows into a table or partition that stays
pages        ranges of pages, as work for several connections
connections  those connections
summary      labels and quantiles of what was scored
job          what all ways share: the job, its connections, its meter
records      what a run tells
statements   the statements of sql/queries/batch.sql
keeping      what hangs on a table that another one takes the place of
run          a run from its first check to its last commit
"""

from __future__ import annotations

from pgpredict.batch.records import Progress, Scoring

__all__ = ["Progress", "Scoring"]
