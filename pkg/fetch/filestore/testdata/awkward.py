"""Adds what is awkward in a folder store to the server at MLFLOW_TRACKING_URI (MLflow 2 or 3)."""
import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient

MLFLOW3 = int(mlflow.__version__.split(".")[0]) >= 3
client = MlflowClient()
NAN, INF = float("nan"), float("inf")


def metrics(run_id):
    for key, value in {"nan": NAN, "inf": INF, "-inf": -INF, "a/b/c": 1e-7, "big": 1e16, "neg zero": -0.0, "int": 3, "tiny": 5e-324, "sum": 0.1 + 0.2}.items():
        client.log_metric(run_id, key, value)
    for step, value in [(5, 1.0), (2, 9.0), (5, 3.0), (5, NAN), (4, 7.0)]:
        client.log_metric(run_id, "history", value, step=step)
    for key, values in {"nan first": [NAN, 2.0, 1.0], "nan last": [2.0, 1.0, NAN], "nan between": [2.0, NAN, 1.0, 3.0]}.items():
        for value in values:
            client.log_metric(run_id, key, value, timestamp=1000, step=1)
    client.log_metric(run_id, "before the start", 1.0, timestamp=5, step=-3)


def run(experiment):
    frame = pd.DataFrame({"a": [1, 2]})
    named = mlflow.data.from_pandas(frame, name="train set", source="/data/x.csv")
    plain = mlflow.data.from_pandas(frame * 2, name="plain")
    with mlflow.start_run(experiment_id=experiment, run_name="metrics") as active:
        run_id = active.info.run_id
        metrics(run_id)
        mlflow.log_params({"p/q/r": "x", "lines": "a\nb\n", "empty": "", "unicode": "é☃😀", "bool": "true", "crlf": "a\r\nb"})
        mlflow.set_tags({"t/u": "v", "json": '{"b": 1, "a": [1.50]}', "trailing": "x \n"})
        mlflow.log_input(named, context="training")
        mlflow.log_input(plain)
        if MLFLOW3:
            mlflow.log_metric("on data", 0.5, step=3, dataset=plain)
            mlflow.log_metric("on data", 0.25, step=7, dataset=plain)
    client.set_tag(run_id, "mlflow.runName", "renamed by its tag")
    client.create_run(experiment, tags={"mlflow.runName": "name from a tag"})
    client.set_terminated(client.create_run(experiment, start_time=0).info.run_id, "KILLED", end_time=0)
    return run_id, plain


def registry(run_id):
    client.create_registered_model("described", description="text é", tags={"k": "v", "e/f": "g", "empty": ""})
    source = client.get_run(run_id).info.artifact_uri
    for i in range(12):
        client.create_model_version("described", f"{source}/m{i}", run_id, tags={"i": str(i), "s/t": "u"}, description=None if i % 3 else f"d{i}", run_link="http://x" if i == 4 else None)
    for version, stage in (("2", "Staging"), ("3", "Production"), ("10", "Staging"), ("9", "Archived"), ("11", "Archived")):
        client.transition_model_version_stage("described", version, stage)
    for alias, version in (("champion", "3"), ("b", "3"), ("Champion", "12"), ("ünï", "1"), ("5", "10"), ("gone", "7")):
        client.set_registered_model_alias("described", alias, version)
    client.delete_model_version("described", "7")
    client.delete_model_version("described", "12")


def logged_models(experiment, run_id, plain):
    model = client.create_logged_model(experiment, name="lm", source_run_id=run_id, tags={"a/b": "c"}, params={"p": "1", "q/r": ""}, model_type="agent").model_id
    client.log_metric(run_id, "acc", 0.5, step=1, model_id=model)
    client.log_metric(run_id, "acc", NAN, step=2, model_id=model)
    client.log_metric(run_id, "x/y", INF, model_id=model)
    with mlflow.start_run(experiment_id=experiment, run_name="evaluates") as active:
        mlflow.log_metric("acc", 0.75, step=9, model_id=model, dataset=plain)
        mlflow.log_metric("acc", 0.25, step=1, model_id=model)
        client.log_inputs(active.info.run_id, models=[mlflow.entities.LoggedModelInput(model)])
    client.finalize_logged_model(model, "READY")
    client.log_outputs(run_id, [mlflow.entities.LoggedModelOutput(model, 3)])


experiment = client.create_experiment("awkward", tags={"mlflow.note.content": "note\nof lines", "a/b/c": "deep", "empty": ""})
run_id, plain = run(experiment)
registry(run_id)
gone = client.create_experiment("thrown away", tags={"x": "y"})
client.log_metric(client.create_run(gone).info.run_id, "m", 1.0)
if MLFLOW3:
    logged_models(experiment, run_id, plain)
    client.create_logged_model(gone, name="of a deleted experiment")
client.delete_experiment(gone)
