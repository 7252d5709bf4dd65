#!/usr/bin/env python3
"""The oldest model of the sample store, made with MLflow 2: its files lie below its run, and the run says in a tag what it logged."""
import json

from story import REQUIREMENTS, at, dataset, run

import mlflow
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier

at("2026-01-12 08:55")
mlflow.set_experiment("wine_quality")
x, y = load_wine(return_X_y=True, as_frame=True)
at("2026-01-12 09:05")
with run("first tree", "m.okafor", "wine/train.py", "5e1f0c7ab2d94e0d8c53b6f1a9d7e2c4b8a06f31", note="Decision tree, as in the textbook.", purpose="demonstration"):
    mlflow.log_input(dataset(x.assign(cultivar=y), "wine", "wine/1991/wine.csv", "cultivar"), context="training")
    mlflow.log_params({"max_depth": 3, "criterion": "gini", "random_state": 7, "class_weight": None})
    for depth in (1, 2, 3):
        model = DecisionTreeClassifier(max_depth=depth, random_state=7).fit(x, y)
        mlflow.log_metric("accuracy", model.score(x, y), step=depth)
    mlflow.log_dict({"classes": ["Barolo", "Grignolino", "Barbera"]}, "labels.json")
    mlflow.sklearn.log_model(
        model, "model", signature=infer_signature(x, model.predict(x)), input_example=x.head(2), pip_requirements=REQUIREMENTS,
        registered_model_name="Sklearn_Wine", metadata={"owner": "wine laboratory", "tier": 3})
client = mlflow.MlflowClient()
client.set_model_version_tag("Sklearn_Wine", "1", "approval", json.dumps({"decision": "not needed", "tier": 3}))
client.update_model_version("Sklearn_Wine", "1", "First try; kept because a lecture refers to it.")
