"""Models in Dagster: one YAML for each, from its training rows to its daily scores.

component       ServedModel: what a YAML says
attributes      its parts
scaffolder      a YAML to begin with
parts           all that comes of it
keys            what the assets and jobs are called
resource        PgPredict: the database
failures        errors of ours as failures of Dagster, and which are tried again
training_rows   the asset of the rows to learn from
training_table  the table beneath it
version         the asset of the versions
candidates      the functions and estimators that it trains
version_checks  golden rows, and not worse than the live version
judging         the rule behind that
answers         what a version says of the rows that are held out
metrics         how good that is
pictures        how that looks
promoted        the asset of promotion
scores          the asset of the scores
days            their daily parts
drift_check     whether what is scored is still like what was learnt
drift_sensor    training again if it is not
marks           the sensor that tells what happened in the database
flows           what streams and learners do there
jobs            the jobs, and when they run
asset_options   what all assets have in common
statements      the statements of sql/queries/dagster.sql
"""

from __future__ import annotations

from pgpredict.dagster.component import ServedModel
from pgpredict.dagster.resource import PgPredict

__all__ = ["PgPredict", "ServedModel"]
