"""What ``dg scaffold defs pgpredict.dagster.ServedModel my_model`` writes."""

from __future__ import annotations

import re
from typing import Any

import dagster as dg

YAML = """\
type: {type}

attributes:
  # predict.{model}(…) answers with the live version.
  model: {model}

  training:
    # The inputs of the model, and the target; each row with a target is learnt, or held out.
    query: SELECT * FROM my_table
    target: my_target
    # key: [id]            # tells the rows apart, and is no input
    # held_out: 0.2        # or a condition: "day >= '2026-01-01'"

  # A function in train.py, which stands beside this file; it may be any package.module.name.
  train: .train.train
  # Or estimators, of which the best is taken:
  # candidates:
  #   - .train.logistic
  #   - {{estimator: .train.boosting, grid: {{learning_rate: [0.05, 0.1, 0.2]}}}}

  accept:
    not_worse_by: 0.002
    # metric: roc_auc
    # at_least: 0.6        # for the first version, too

  # retrain: "0 * * * *"

  # score:
  #   source: my_table
  #   into: my_scores
  #   key: [id]
  #   partition_by: day
  #   start: 2026-01-01
  #   schedule: "30 2 * * *"
"""

TRAIN = '''\
"""How {model} is trained."""

from __future__ import annotations

from typing import Any

import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler


def train(X: pd.DataFrame, y: pd.Series) -> Any:
    """A fitted pipeline, of the inputs and the target that the query gives."""
    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=300)).fit(X, y)
'''


class ServedModelScaffolder(dg.Scaffolder[Any]):
    """Writes a YAML to fill in, and beside it a function that trains."""

    def scaffold(self, request: dg.ScaffoldRequest[Any]) -> None:
        """Write ``defs.yaml`` and ``train.py`` into the folder that was asked for."""
        folder = request.target_path
        model = re.sub("[^a-z0-9_]", "_", folder.name.lower()).lstrip("_0123456789") or "my_model"
        text = YAML.format(type=request.type_name, model=model)
        (folder / "defs.yaml").write_text(text, encoding="utf-8")
        (folder / "train.py").write_text(TRAIN.format(model=model), encoding="utf-8")
