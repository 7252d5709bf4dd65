#!/usr/bin/env python3
"""Makes the test world: a small MLflow store with every kind of object that mlreport must read, and many awkward ones.

usage: world.py TRACKING_URI

The URI is that of a server, of a database or of an mlruns folder. Run it with a Python that has mlflow (1.30 to 3.x) and scikit-learn. It prints, as JSON,
what it made: ids of experiments, runs and logged models by name, URIs of versions, and what this version of MLflow could not do. What it prints has the same
names whatever the store and, but for what is skipped, whatever the version of MLflow.
"""
import json
import os
import sys
import tempfile
import time
import warnings

os.environ["MLFLOW_RECORD_ENV_VARS_IN_MODEL_LOGGING"] = "false"
warnings.filterwarnings("ignore")

import mlflow  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
from mlflow.entities import Metric, Param, RunTag  # noqa: E402
from mlflow.models.signature import infer_signature  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402
from sklearn.datasets import load_diabetes, load_wine  # noqa: E402
from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.linear_model import ElasticNet, LinearRegression  # noqa: E402

answer, sys.stdout = sys.stdout, sys.stderr  # MLflow 2 prints where runs can be seen
mlflow.set_tracking_uri(sys.argv[1])
client = MlflowClient()
MAJOR = int(mlflow.__version__.split(".")[0])
made = {"mlflow": mlflow.__version__, "experiments": {}, "runs": {}, "logged_models": {}, "versions": [], "skipped": []}

# Without them MLflow starts a process per model to find out what it imports.
REQUIREMENTS = ["scikit-learn", "numpy"]

# What a hand-made model says of itself; the traps of YAML 1.1 are meant.
MLMODEL = """artifact_path: model
flavors:
  python_function:
    env:
      conda: conda.yaml
      virtualenv: python_env.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    python_version: 3.10
  sklearn:
    code: null
    pickled_model: model.pkl
    serialization_format: cloudpickle
    sklearn_version: 1.2.2
mlflow_version: 2.3.1
model_size_bytes: 12_345
model_uuid: 8217e29
run_id: {run_id}
signature:
  inputs: '[{{"name": "x", "type": "double"}}]'
  outputs: '[{{"type": "double"}}]'
utc_time_created: '2024-05-01 10:11:12.131415'
"""


def attempt(what, action, *args, **kw):
    """Does what only some versions of MLflow can; those that cannot note it."""
    try:
        return action(*args, **kw)
    except Exception as e:
        made["skipped"].append(f"{what}: {type(e).__name__}")
        print(f"world.py: {what}: {e}", file=sys.stderr)


def alias(model, name, version):
    attempt("alias", lambda: client.set_registered_model_alias(model, name, version))


def experiment(name, key):
    made["experiments"][key] = mlflow.set_experiment(name).experiment_id
    return made["experiments"][key]


def start(name, key=None, **kw):
    run = mlflow.start_run(run_name=name, **kw)
    made["runs"][key or name] = run.info.run_id
    return run


def closed_run(experiment_id, name, status="FINISHED", files=None):
    """A run made call by call, with these files; nothing else of MLflow gets at it."""
    run = client.create_run(experiment_id, run_name=name)
    made["runs"][name] = run.info.run_id
    if files:
        with tempfile.TemporaryDirectory() as folder:
            for path, text in files.items():
                os.makedirs(os.path.dirname(f"{folder}/{path}"), exist_ok=True)
                with open(f"{folder}/{path}", "w", encoding="utf-8", newline="") as f:
                    f.write(text)
            client.log_artifacts(run.info.run_id, folder)
    if status:
        client.set_terminated(run.info.run_id, status)
    return run


def log_model(model, name="model", **kw):
    where = {"name": name} if MAJOR >= 3 else {"artifact_path": name}
    return mlflow.sklearn.log_model(model, **where, serialization_format="cloudpickle", pip_requirements=REQUIREMENTS, **kw)


def register(model, source, run_id=None, **kw):
    """A version of a registered model, which is made when it is not there; returns the version's number."""
    try:
        client.get_registered_model(model)
    except Exception:
        client.create_registered_model(model)
    if source.startswith("models:/m-"):
        kw["model_id"] = source.removeprefix("models:/")
    version = client.create_model_version(model, source, run_id, **kw)
    made["versions"].append(f"models:/{model}/{version.version}")
    return version.version


def hand_made(experiment_id, model, name, mlmodel=MLMODEL, **kw):
    """A run that holds one small file as its model, and a version of it."""
    run = closed_run(experiment_id, name, files={"model/MLmodel": mlmodel})
    if mlmodel is MLMODEL:  # its id is known only now
        client.log_text(run.info.run_id, MLMODEL.format(run_id=run.info.run_id), "model/MLmodel")
    version = attempt(f"version of {model!r}", register, model, run.info.artifact_uri + "/model", run.info.run_id, **kw)
    return run.info.run_id, version


def wine():
    """A model as a textbook shows it: three trained versions with all that can be logged beside them."""
    experiment("sklearn_wine", "wine")
    attempt("experiment tags", lambda: [
        mlflow.set_experiment_tag("mlflow.note.content", "Which wine is it?\n\n* three growers\n* 13 measurements"),
        mlflow.set_experiment_tag("owner", json.dumps({"team": "lab", "mail": ["a@example.com"]}))])
    x, y = load_wine(return_X_y=True, as_frame=True)
    for seed, trees in enumerate([5, 10, 20]):
        with start(f"wine-{trees}"):
            model = RandomForestClassifier(n_estimators=trees, max_depth=4, random_state=seed).fit(x, y)
            mlflow.set_tags({
                "mlflow.note.content": "Random *forest* | with a pipe",
                "config": json.dumps({"z": 1, "a": [1, 2.5, "1e5", None], "deep": {"é": True}}),
                "note": "two\nlines\tand a tab", "empty": "", "html": "<b>&amp;</b>"})
            mlflow.log_params({"n_estimators": trees, "max_depth": "None", "seed": seed, "grid": json.dumps([5, 10, 20]), "model/criterion": "gini"})
            for step in range(6):
                mlflow.log_metric("accuracy", round(model.score(x, y) - (5 - step) * 0.013, 6), step=step)
            for key, value in {"val/loss": 1e-7, "big": 1e16, "whole": 5.0, "third": 1 / 3, "negative": -0.25, "infinite": float("inf"), "minus_infinite": float("-inf")}.items():
                mlflow.log_metric(key, value)
            mlflow.log_dict({"labels": [0, 1, 2]}, "labels.json")
            mlflow.log_text("plain", "notes/deep/er/readme.txt")
            mlflow.log_text("", "notes/empty.txt")
            attempt("dataset", lambda: mlflow.log_input(mlflow.data.from_pandas(x, name="wine"), context="training"))
            metadata = {"metadata": {"owner": "lab", "tier": 2, "checks": {"bias": "passed"}}} if MAJOR >= 2 else {}
            log_model(model, signature=infer_signature(x, model.predict(x)), input_example=x.head(2), registered_model_name="Sklearn_Wine", **metadata)
            made["versions"].append(f"models:/Sklearn_Wine/{seed + 1}")
            mlflow.log_metric("not_a_number", float("nan"))  # after the model: MLflow 3.4 to 3.8 cannot copy it
    client.update_registered_model("Sklearn_Wine", "Wine quality model.\n\n**Owner**: lab")
    client.update_model_version("Sklearn_Wine", "2", "Second try <script>alert(1)</script>")
    client.set_registered_model_tag("Sklearn_Wine", "team", "risk & <fraud>")
    client.set_registered_model_tag("Sklearn_Wine", "config", json.dumps({"tier": 1, "owners": ["a", "b"]}))
    tags = {"approved_by": "1e5", "ticket": "00012345678901234567890", "digest": "8217e29", "answer": "true", "nothing": "null", "ver": "3.10"}
    for key, value in tags.items():
        client.set_model_version_tag("Sklearn_Wine", "2", key, value)
    for name, version in (("champion", "2"), ("challenger", "3"), ("previous-champion", "1"), ("also_champion", "2")):
        alias("Sklearn_Wine", name, version)
    for version, stage in (("1", "Archived"), ("2", "Production"), ("3", "Staging")):
        client.transition_model_version_stage("Sklearn_Wine", version, stage)


def copies():
    """A version that was copied from another, and a copy of the copy."""
    for source, name in (("Sklearn_Wine/2", "wine staging"), ("wine staging/1", "wine.prod")):
        if attempt("copy", lambda: client.copy_model_version(f"models:/{source}", name)):
            made["versions"].append(f"models:/{name}/1")
            client.set_model_version_tag(name, "1", "promoted", json.dumps({"from": source, "by": "release train"}))


def regression():
    """Runs of every state, with parents and children, and models that nobody registered."""
    exp = experiment("diabetes – régression #1", "diabetes")
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    with start("never registered"):
        info = log_model(ElasticNet(alpha=0.1).fit(x, y))
        if MAJOR >= 3:
            made["logged_models"]["never registered"] = info.model_id
            client.set_logged_model_tags(info.model_id, {"reviewed": "yes", "review": json.dumps({"by": "qa", "score": 1.0})})
            mlflow.log_metric("rmse", 53.25, model_id=info.model_id)
    with start("parent"):
        mlflow.set_tag("search", json.dumps({"space": {"alpha": [0.1, 1.0]}}))
        for i in range(2):
            with start(f"child-{i}", nested=True):
                mlflow.set_tags({"trial": str(i), "picked": json.dumps(i == 0)})
                mlflow.log_param("alpha", 0.1 * (i + 1))
                mlflow.log_metric("rmse", 60 - i)
                with start(f"grandchild-{i}", nested=True):
                    mlflow.log_metric("rmse", 59 - i)
    try:
        with start("failed"):
            raise RuntimeError("on purpose")
    except RuntimeError:
        pass
    made["runs"]["still running"] = client.create_run(exp, run_name="still running").info.run_id
    closed_run(exp, "killed", "KILLED")
    closed_run(exp, "empty run")
    if MAJOR >= 2:
        made["runs"]["no start time"] = client.create_run(exp, start_time=0, run_name="no start time").info.run_id
    client.delete_run(closed_run(exp, "deleted, no version").info.run_id)
    return exp


def several_models(exp):
    """A run that logs three models; two of them become versions of one registered model."""
    x, y = load_diabetes(return_X_y=True, as_frame=True)
    with start("several models") as run:
        for i, name in enumerate(["linear", "elastic", "spare"]):
            info = log_model((LinearRegression() if i == 0 else ElasticNet(alpha=i)).fit(x.iloc[:, : i + 1], y), name)
            if MAJOR >= 3:
                made["logged_models"][name] = info.model_id
            if name != "spare":
                register("diabetes", info.model_uri if MAJOR >= 3 else run.info.artifact_uri + "/" + name, run.info.run_id, tags={"kind": name}, description=f"the {name} one")
    client.transition_model_version_stage("diabetes", "1", "Staging")
    client.transition_model_version_stage("diabetes", "2", "Staging")


def datasets(exp):
    """A run with several data sets: of one name with two digests, with two contexts, without schema and profile."""
    from mlflow.entities import Dataset, DatasetInput, InputTag
    run = closed_run(exp, "several data sets")
    def use(name, digest, contexts, **kw):
        tags = [InputTag("mlflow.data.context", c) for c in contexts[:1]] + [InputTag("split", c) for c in contexts[1:]]
        return DatasetInput(Dataset(name=name, digest=digest, **kw), tags)
    schema = json.dumps({"mlflow_colspec": [{"type": "double", "name": "x", "required": True}]})
    client.log_inputs(run.info.run_id, [
        use("loans", "12345678", ["training", "2023"], source_type="s3", source=json.dumps({"uri": "s3://bucket/loans/2023"}), schema=schema, profile=json.dumps({"num_rows": 100, "num_elements": 100})),
        use("loans", "8217e29", ["validation"], source_type="s3", source=json.dumps({"uri": "s3://bucket/loans/2024"}), schema=schema),
        use("accounts", "0000001", [], source_type="http", source=json.dumps({"url": "https://example.com/accounts.csv"})),
        use("plain source", "ffffffff", ["testing"], source_type="other", source="not JSON")])
    with mlflow.start_run(run_id=run.info.run_id):
        mlflow.log_input(mlflow.data.from_numpy(np.arange(6.0).reshape(2, 3), targets=np.array([0, 1]), name="array"), context="evaluation")
        mlflow.log_input(mlflow.data.from_pandas(pd.DataFrame({"a": [1, 2], "b": ["x", "y"]}), targets="b", name="frame"))


def big_values(exp):
    """A run with as much text as MLflow takes, many metrics, and a long history."""
    run = client.create_run(exp, run_name="big values")
    run_id = made["runs"]["big values"] = run.info.run_id
    now = int(time.time() * 1000)
    nested = {"level": 0}
    for i in range(1, 40):
        nested = {"level": i, "child": nested}
    client.set_tag(run_id, "nested", json.dumps(nested))
    client.set_tag(run_id, "wide", json.dumps({f"key {i:03d}": [i, i / 7, None, True, "é<&>"] for i in range(80)}))
    client.set_tag(run_id, "no object", '{"not": JSON}')
    client.set_tag(run_id, "twice", '{"a": 1, "a": 2}')
    client.set_tag(run_id, "lone surrogate", '{"a": "\\ud800"}')
    client.set_tag(run_id, "python", "{'a': None}")
    client.set_tag(run_id, "NaN inside", '{"a": NaN}')
    client.set_tag(run_id, "digits", '{"a": 12345678901234567890123, "b": 1e400, "c": 1.10, "d": -0}')
    client.set_tag(run_id, "list", "[1, [2, [3]]]")
    client.set_tag(run_id, "carriage return", "one\r\ntwo\rthree")
    client.set_tag(run_id, "x/y.z tag", "a key with a slash and a blank")
    client.log_batch(run_id, params=[Param(f"p{i:03d}", str(i)) for i in range(99)] + [Param("long", "x" * 480)])
    client.log_batch(run_id, [Metric("loss", 1 / (i + 1), now + i // 2, i // 3) for i in range(120)])
    client.log_batch(run_id, [Metric(f"m {i:02d}", i * 1.5, now, 0) for i in range(60)] + [Metric("same time", v, now, 7) for v in (1.0, 3.0, 2.0)])
    client.set_terminated(run_id)


def broken(exp):
    """Versions that lack something: their run, their files, a readable MLmodel."""
    run_id, _ = hand_made(exp, "deleted_run_model", "deleted run")
    client.delete_run(run_id)
    hand_made(exp, "not_yaml_model", "not yaml", "{ this: is: not, yaml")
    hand_made(exp, "text_model", "not a mapping", "just text")
    hand_made(exp, "empty_mlmodel", "empty MLmodel", "")
    run = closed_run(exp, "files gone", files={"other/file.txt": "nothing here"})
    register("missing_artifacts", run.info.artifact_uri + "/nope", run.info.run_id)
    run = closed_run(exp, "no MLmodel", files={"model/model.pkl": "not really"})
    register("no_mlmodel", run.info.artifact_uri + "/model", run.info.run_id)
    attempt("version without run", register, "no run \u2603", "s3://no-such-bucket/models/orphan")
    client.create_registered_model("empty_model", description="Has no version yet")
    gone = client.create_experiment("deleted experiment")
    made["experiments"]["deleted"] = gone
    hand_made(gone, "deleted_experiment_model", "run of a deleted experiment")
    client.delete_experiment(gone)


def names(exp):
    """Models whose names are hard to put into URLs, queries, files and links; twins that differ only in case; a model with eleven versions."""
    for name in ("my.model.v1", "with blank", " leading and trailing ", "100%_sure", "hash#tag", "what?", "a+b&c=d", "it's \"quoted\"", "back\\slash", "café 😀", "CaseTwin", "casetwin", "runs", "@home", "CON", ".hidden"):
        hand_made(exp, name, f"for {name}")
    decomposed = "cafe\u0301"
    hand_made(exp, decomposed, "for an e with a combining accent")
    alias("café 😀", "prüfung", "1")
    run_id, _ = hand_made(exp, "eleven", "for eleven", description="", tags={"n": "1"})
    source = client.get_run(run_id).info.artifact_uri + "/model"
    for i in range(2, 12):
        register("eleven", source, run_id, description=f"number {i}", tags={"n": str(i)}, run_link="https://example.com/run" if i == 2 else None)
    for version, stage in (("9", "Production"), ("10", "Production"), ("3", "Archived"), ("11", "Staging")):
        client.transition_model_version_stage("eleven", version, stage)
    alias("eleven", "tenth", "10")
    client.delete_model_version("eleven", "5")
    made["versions"].remove("models:/eleven/5")
    hand_made(exp, "only deleted", "for only deleted")
    client.delete_model_version("only deleted", "1")
    made["versions"].remove("models:/only deleted/1")
    hand_made(exp, "before renaming", "for renamed")
    client.rename_registered_model("before renaming", "renamed")
    made["versions"][made["versions"].index("models:/before renaming/1")] = "models:/renamed/1"


def prompts():
    """Prompts are registered models in disguise; searches hide them."""
    def make():
        api = mlflow.genai if MAJOR >= 3 else mlflow
        api.register_prompt("greeting", "Hello {{name}}", commit_message="first", tags={"tone": "kind"})
        api.register_prompt("greeting", "Dear {{name}},\n{{text}}", commit_message="second")
        api.set_prompt_alias("greeting", "live", 2)
    attempt("prompts", make)


def logged_models(exp):
    """MLflow 3's logged models in every state: without a run, pending, failed, deleted, used by another run."""
    from mlflow.entities import LoggedModelInput
    def new(key, status, **kw):
        made["logged_models"][key] = client.create_logged_model(exp, name=key, **kw).model_id
        if status:
            client.finalize_logged_model(made["logged_models"][key], status)
        return made["logged_models"][key]
    def with_file(key, **kw):
        model_id = new(key, None, **kw)
        with tempfile.TemporaryDirectory() as folder:
            with open(f"{folder}/MLmodel", "w") as f:
                f.write(MLMODEL.format(run_id="null") + f"model_id: {model_id}\n")
            client.log_model_artifacts(model_id, folder)
        client.finalize_logged_model(model_id, "READY")
        return model_id
    run = closed_run(exp, "made logged models")
    new("pending", None, source_run_id=run.info.run_id)
    new("failed-model", "FAILED", source_run_id=run.info.run_id)
    new("no-files", "READY", params={"alpha": "0.5", "grid": "[1, 2]"}, tags={"kind": "external"}, model_type="agent")
    register("from_logged_model", f"models:/{with_file('without-version-run', source_run_id=run.info.run_id)}")  # MLflow takes the run from it
    register("from_logged_model", f"models:/{with_file('without-any-run')}")
    deleted = with_file("deleted-model", source_run_id=run.info.run_id)
    register("deleted_logged_model", f"models:/{deleted}", run.info.run_id)
    client.delete_logged_model(deleted)
    scored = made["logged_models"]["linear"]
    user = closed_run(exp, "scores another's model")
    client.log_inputs(user.info.run_id, models=[LoggedModelInput(model_id=scored), LoggedModelInput(model_id=made["logged_models"]["elastic"])])
    now = int(time.time() * 1000)
    client.log_batch(user.info.run_id, [Metric("drift", 0.5, now, s, model_id=scored, dataset_name="loans", dataset_digest="8217e29", run_id=user.info.run_id) for s in range(2)])
    for key, value in (("infinite", float("inf")), ("not_a_number", float("nan"))):
        attempt(f"{key} metric of a logged model", client.log_metric, user.info.run_id, key, value, model_id=made["logged_models"]["elastic"])


wine()
attempt("copies", copies)
exp = regression()
several_models(exp)
attempt("several data sets", datasets, exp)
big_values(exp)
broken(exp)
names(exp)
prompts()
if MAJOR >= 3:
    logged_models(exp)
print(json.dumps(made, indent=1), file=answer)
