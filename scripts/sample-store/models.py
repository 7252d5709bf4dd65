#!/usr/bin/env python3
"""The models of the sample store that MLflow 3 made: a small bank's, with what an auditor asks for."""
import json
import os
import shutil
import sys

from story import REQUIREMENTS, applicants, at, dataset, payments, run

import mlflow
from mlflow.entities import LoggedModelInput
from mlflow.models import infer_signature
from sklearn.datasets import load_wine
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression, SGDClassifier
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

client = mlflow.MlflowClient()
ARTIFACTS = sys.argv[1]


def register(info, model, description, run_id=None, **tags):
    """A version of a logged model; tags that are not text are written as JSON."""
    try:
        client.get_registered_model(model)
    except mlflow.MlflowException:
        client.create_registered_model(model)
    version = client.create_model_version(
        model, f"models:/{info.model_id}", run_id, model_id=info.model_id, description=description,
        tags={k: v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for k, v in tags.items()})
    return version.version


def log_model(model, frame, target, name="model", **kw):
    x = frame.drop(columns=target)
    origin = {k: v for k, v in mlflow.active_run().data.tags.items() if k.startswith("mlflow.source.") or k == "mlflow.user"}
    return mlflow.sklearn.log_model(
        model, name=name, tags=origin, signature=infer_signature(x, model.predict(x)), input_example=x.head(2),
        pip_requirements=REQUIREMENTS, serialization_format="cloudpickle", **kw)


def quality(model, frame, target):
    chance = model.predict_proba(frame.drop(columns=target))[:, 1]
    auc = roc_auc_score(frame[target], chance)
    return {"auc": auc, "gini": 2 * auc - 1, "brier": brier_score_loss(frame[target], chance)}


def approve(model, version, minutes, date, conditions=(), **more):
    client.set_model_version_tag(model, version, "approval", json.dumps({
        "committee": "Model Risk Committee", "decision": "approved", "minutes": minutes, "date": date, "conditions": list(conditions), **more}))


# --- wine: two more versions beside the classic one -------------------------------------------------------------------------------------------------------

def wine():
    x, y = load_wine(return_X_y=True, as_frame=True)
    frame = x.assign(cultivar=y)
    at("2026-02-09 10:00")
    mlflow.set_experiment("wine_quality")
    mlflow.set_experiment_tags({"mlflow.note.content": "Which grower does a wine come from? A demonstration of the training pipeline.", "owner": "wine laboratory"})
    for i, (day, trees, commit) in enumerate([("2026-02-09", 4, "9d0a7be4c35f4a61b7c2e8d16f90a3b5c4e7d218"), ("2026-05-20", 8, "13be55f0a8e64c7f9a2d4b61c0e8f7a2d3b19c64")]):
        at(f"{day} 10:05")
        with run(f"forest of {trees}", "m.okafor", "wine/train.py", commit, purpose="demonstration", grid={"n_estimators": [4, 8], "max_depth": [3]}) as r:
            mlflow.log_input(dataset(frame, "wine", "wine/1991/wine.csv", "cultivar"), context="training")
            mlflow.log_params({"n_estimators": trees, "max_depth": 3, "random_state": i})
            for n in range(1, trees + 1):
                model = RandomForestClassifier(n_estimators=n, max_depth=3, random_state=i).fit(x, y)
                mlflow.log_metric("accuracy", model.score(x, y), step=n)
            at(f"{day} 10:07")
            info = log_model(model, frame, "cultivar", metadata={"owner": "wine laboratory", "tier": 3})
        at(f"{day} 10:20")
        register(info, "Sklearn_Wine", f"Random forest of {trees} trees.", r.info.run_id, lab_ticket=f"0000{412 + i}", approval={"decision": "not needed", "tier": 3})
    client.update_registered_model("Sklearn_Wine", "Grower of a wine from 13 chemical measurements.\n\n**Owner**: wine laboratory. *Not used for decisions about people.*")
    client.set_registered_model_tag("Sklearn_Wine", "risk_tier", "3")
    for version, stage in (("1", "Archived"), ("2", "Production"), ("3", "Staging")):
        client.transition_model_version_stage("Sklearn_Wine", version, stage)
    client.set_registered_model_alias("Sklearn_Wine", "champion", "2")
    client.set_registered_model_alias("Sklearn_Wine", "challenger", "3")


# --- credit risk: four versions, one of them out of a search, and its deployment copies -------------------------------------------------------------------

CREDIT = "credit_risk_scorecard"
FEATURES = ["income", "loan_amount", "months_employed", "open_credits", "arrears_24m"]


def scorecard(frame, c):
    model = make_pipeline(StandardScaler(), LogisticRegression(C=c))
    return model.fit(frame[FEATURES], frame["default"])


def credit_version(day, name, seed, c, commit, quarter):
    train, test = applicants(seed), applicants(seed + 100, 200)
    at(f"{day} 07:10")
    with run(name, "a.keller", "credit/scorecard.py", commit, note=f"Retraining on the applications of {quarter}.", data_cut=quarter,
             fairness={"protected": ["age_band", "gender"], "method": "equal opportunity difference", "result": {"age_band": 0.031, "gender": -0.012}}) as r:
        mlflow.log_input(dataset(train, "applications", f"credit/{quarter}/train.parquet", "default"), context="training")
        mlflow.log_input(dataset(test, "applications", f"credit/{quarter}/holdout.parquet", "default"), context="validation")
        mlflow.log_params({"C": c, "penalty": "l2", "features": json.dumps(FEATURES), "scaler": "standard", "seed": seed, "n_train": len(train)})
        model = scorecard(train, c)
        at(f"{day} 07:26")
        info = log_model(model, train, "default", metadata={"model_inventory_id": "CR-017", "risk_tier": 1})
        mlflow.log_metrics(quality(model, test, "default"), model_id=info.model_id)
        mlflow.log_dict({f: round(float(w), 6) for f, w in zip(FEATURES, model[-1].coef_[0])}, "reports/weights.json")
        mlflow.log_text(f"# Scorecard {quarter}\n\nAll checks of the validation handbook were passed.\n", "reports/summary.md")
    return info, r.info.run_id


def credit():
    at("2026-02-03 06:55")
    mlflow.set_experiment("credit_risk")
    mlflow.set_experiment_tags({
        "mlflow.note.content": "Probability of default of consumer loans.\n\nPolicy: *every* training run is kept for ten years.",
        "model_inventory": json.dumps({"id": "CR-017", "owner": "Retail Credit Risk", "second_line": "Model Validation", "regulation": ["IRB", "AI Act Annex III 5b"]})})
    first, first_run = credit_version("2026-02-03", "scorecard 2025-Q4", 11, 1.0, "2f6f1d0e9b7a4c38a5d1e0f4c6b8a7d9e3f21c05", "2025-Q4")
    at("2026-02-05 13:30")
    register(first, CREDIT, "First scorecard on the new platform. Never used: its training run broke the retention policy.", first_run, status="withdrawn")
    second, second_run = credit_version("2026-03-17", "scorecard 2026-Q1", 12, 0.5, "8217e29b6c0d4f5ea1b3c7d9e0f2a4b6c8d1e3f5", "2026-Q1")
    at("2026-03-19 09:00")
    register(second, CREDIT, "In production from April to June 2026.", second_run, git_sha="8217e29", ticket="00041207", psi="0.04")
    approve(CREDIT, "2", "MRC-2026-07", "2026-03-26")
    third, third_run = credit_version("2026-06-09", "scorecard 2026-Q2", 13, 0.25, "c40de1b27f9a4e6c8d0b2f4a6c8e0d2b4f6a8c0e", "2026-Q2")
    at("2026-06-11 15:45")
    register(third, CREDIT, "In production. Limits and monitoring: see *approval* and *monitoring*.", third_run, git_sha="c40de1b", ticket="00043377", psi="0.03",
             monitoring={"psi": {"warn": 0.1, "stop": 0.2}, "auc": {"stop": 0.62}, "every": "month", "report_to": ["Retail Credit Risk", "Model Validation"]})
    approve(CREDIT, "3", "MRC-2026-15", "2026-06-25", ["population stability index below 0.2", "review within 12 months"], next_review="2027-06-25")
    fourth()
    client.update_registered_model(CREDIT, "Probability of default within 12 months of a consumer loan.\n\n* **Owner**: Retail Credit Risk\n* **Inventory**: CR-017, tier 1\n* **Not for**: mortgages, business loans")
    for key, value in {"model_inventory_id": "CR-017", "risk_tier": "1", "owners": json.dumps([{"line": 1, "unit": "Retail Credit Risk"}, {"line": 2, "unit": "Model Validation"}]), "personal_data": "true"}.items():
        client.set_registered_model_tag(CREDIT, key, value)
    for version, stage in (("2", "Archived"), ("3", "Production"), ("4", "Staging")):
        client.transition_model_version_stage(CREDIT, version, stage)
    for alias, version in (("champion", "3"), ("challenger", "4"), ("previous", "2")):
        client.set_registered_model_alias(CREDIT, alias, version)
    at("2026-07-01 08:00")
    client.delete_run(first_run)
    validation(third)


def fourth():
    """The best of a search: a parent run with a child for each trial."""
    train, test = applicants(14), applicants(114, 200)
    at("2026-09-22 18:00")
    with run("regularisation search 2026-Q3", "a.keller", "credit/search.py", "77aa0c1d5e3b4f2690c8d7e6f5a4b3c2d1e0f9a8", space={"C": [0.01, 0.1, 1.0]}, data_cut="2026-Q3"):
        trials = []
        for i, c in enumerate([0.01, 0.1, 1.0]):
            at(f"2026-09-22 18:{10 + 5 * i}")
            with run(f"trial {i + 1}", "a.keller", "credit/search.py", "77aa0c1d5e3b4f2690c8d7e6f5a4b3c2d1e0f9a8", nested=True, trial=str(i + 1)) as child:
                mlflow.log_input(dataset(train, "applications", "credit/2026-Q3/train.parquet", "default"), context="training")
                mlflow.log_params({"C": c, "penalty": "l2", "features": json.dumps(FEATURES)})
                model = scorecard(train, c)
                info = log_model(model, train, "default", metadata={"model_inventory_id": "CR-017", "risk_tier": 1})
                score = quality(model, test, "default")
                mlflow.log_metrics(score, model_id=info.model_id)
            trials.append((score["auc"], i, info, child.info.run_id))
        auc, best, info, run_id = max(trials)
        mlflow.log_metric("best_auc", auc, step=best)
        mlflow.log_param("best_trial", best + 1)
    at("2026-09-24 11:15")
    register(info, CREDIT, "Challenger; runs in the shadow of version 3 until the end of the year.", run_id, git_sha="77aa0c1", ticket="00045901", psi="1e-2")


def validation(info):
    """Model Validation scores the champion on later data: a run that has a model as its input."""
    frame = applicants(213, 300)
    at("2026-10-06 14:00")
    with run("validation of version 3, 2026-Q3", "l.haddad", "validation/score.py", "0b1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c", line="2") as r:
        client.log_inputs(r.info.run_id, models=[LoggedModelInput(model_id=info.model_id)])
        later = dataset(frame, "applications", "credit/2026-Q3/scored.parquet", "default")
        mlflow.log_input(later, context="testing")
        model = mlflow.sklearn.load_model(f"models:/{info.model_id}")
        for key, value in quality(model, frame, "default").items():
            mlflow.log_metric("validation_" + key, value, model_id=info.model_id, dataset=later)
    client.set_logged_model_tags(info.model_id, {"validated_by": "Model Validation", "validation": json.dumps({"quarter": "2026-Q3", "opinion": "adequate", "findings": [{"id": "F-112", "severity": "low"}]})})


def production():
    """What is deployed is a copy: the registry of the production cluster holds nothing else."""
    for day, version in (("2026-04-01", "2"), ("2026-07-01", "3")):
        at(f"{day} 05:00")
        copy = client.copy_model_version(f"models:/{CREDIT}/{version}", "credit_risk_production")
        client.set_model_version_tag("credit_risk_production", copy.version, "deployment", json.dumps({"cluster": "prod-eu-1", "change": "CHG-00" + str(7310 + 55 * int(version)), "four_eyes": ["a.keller", "l.haddad"]}))
        client.set_registered_model_alias("credit_risk_production", "live", copy.version)
    client.update_registered_model("credit_risk_production", "Copies of approved versions of credit_risk_scorecard. Only the release pipeline writes here.")


# --- fraud: a model whose files are gone, and one whose second version was deleted ------------------------------------------------------------------------

def fraud_version(day, name, seed, model, commit, change, **tags):
    train, test = payments(seed), payments(seed + 100, 300)
    x, y = train.drop(columns="fraud"), train["fraud"]
    at(f"{day} 02:30")
    with run(name, "j.lindqvist", "fraud/train.py", commit, **tags) as r:
        mlflow.log_input(dataset(train, "card payments", f"fraud/{day}/train.parquet", "fraud"), context="training")
        mlflow.log_params({k: v for k, v in model.get_params().items() if v is not None})
        model.fit(x, y)
        at(f"{day} 03:41")
        if isinstance(model, GradientBoostingClassifier):
            for step, chance in enumerate(model.staged_predict_proba(test.drop(columns="fraud"))):
                mlflow.log_metric("log_loss", log_loss(test["fraud"], chance), step=step)
        info = log_model(model, train, "fraud", metadata={"model_inventory_id": "FR-004", "risk_tier": 2})
        mlflow.log_metrics(quality(model, test, "fraud"), model_id=info.model_id)
        mlflow.log_metric("alert_rate_change", change)
        mlflow.log_dict({"threshold": 0.35, "reviewed_per_day": 140}, "reports/operating_point.json")
    return info, r.info.run_id


def fraud_cards():
    name = "fraud_card_payments"
    at("2026-03-02 02:00")
    mlflow.set_experiment("fraud detection")
    mlflow.set_experiment_tags({"mlflow.note.content": "Card and transfer fraud; retrained monthly.", "owner": "Payments Security"})
    tree, run_id = fraud_version("2026-03-02", "tree, March", 21, DecisionTreeClassifier(max_depth=4, random_state=1), "a1b2c3d4e5f60718293a4b5c6d7e8f9012345678", change=float("nan"))  # there was none before
    at("2026-03-02 09:00")
    register(tree, name, "Baseline that an analyst can read.", run_id, reason_codes={"available": True, "method": "path of the tree"})
    lost, run_id = fraud_version("2026-06-01", "boosting, June", 22, GradientBoostingClassifier(n_estimators=8, max_depth=2, random_state=2), "b2c3d4e5f60718293a4b5c6d7e8f901234567891", change=-0.125)
    at("2026-06-01 09:00")
    register(lost, name, "Its files were lost when the bucket was cleaned up in August; never replaced.", run_id, incident="INC-0008114")
    live, run_id = fraud_version("2026-09-01", "boosting, September", 23, GradientBoostingClassifier(n_estimators=10, max_depth=2, random_state=3), "c3d4e5f60718293a4b5c6d7e8f90123456789abc", change=0.0625, retrained_because={"drift": {"km_from_home": 0.27}})
    at("2026-09-01 09:00")
    register(live, name, "In production since 2 September.", run_id, threshold="0.35", reason_codes={"available": True, "method": "SHAP", "top": 3})
    approve(name, "3", "MRC-2026-19", "2026-08-31", ["false positive rate below 0.5 %"])
    client.update_registered_model(name, "Chance that a card payment will be disputed.")
    client.set_registered_model_tag(name, "risk_tier", "2")
    client.set_registered_model_tag(name, "regulation", json.dumps({"PSD2": ["Article 97"], "EBA": "GL/2018/05"}))
    for version, stage in (("1", "Archived"), ("3", "Production")):
        client.transition_model_version_stage(name, version, stage)
    client.set_registered_model_alias(name, "champion", "3")
    client.set_registered_model_alias(name, "fallback", "1")
    return lost


def fraud_transfers():
    """Three versions, of which the second was deleted."""
    name = "fraud_transfers"
    mlflow.set_experiment("fraud detection")
    for i, day in enumerate(["2026-04-13", "2026-07-13", "2026-10-12"]):
        train = payments(31 + i)
        at(f"{day} 03:00")
        with run(f"online learner {day}", "j.lindqvist", "fraud/transfers.py", f"{i}e8d7c6b5a49382716051f2e3d4c5b6a79808f7e", note="Learns in passes over the data; `log_loss` per pass.") as r:
            mlflow.log_input(dataset(train, "transfers", f"fraud/transfers/{day}.parquet", "fraud"), context="training")
            model = SGDClassifier(loss="log_loss", random_state=i, learning_rate="constant", eta0=1e-6)
            mlflow.log_params({"loss": "log_loss", "learning_rate": "constant", "eta0": 1e-6, "passes": 20})
            for step in range(20):
                at(f"{day} 03:{step + 1:02d}")
                model.partial_fit(train.drop(columns="fraud"), train["fraud"], classes=[0, 1])
                mlflow.log_metric("log_loss", log_loss(train["fraud"], model.predict_proba(train.drop(columns="fraud"))), step=step)
            info = log_model(model, train, "fraud", metadata={"model_inventory_id": "FR-009", "risk_tier": 2})
        at(f"{day} 08:00")
        register(info, name, f"Retrained on {day}.", r.info.run_id)
    client.delete_model_version(name, "2")
    client.transition_model_version_stage(name, "3", "Staging")
    client.set_registered_model_alias(name, "candidate", "3")
    client.update_registered_model(name, "Chance that a transfer is fraud. Not yet approved for use.")


def income():
    """A run with two models, of which only one was registered."""
    frame = applicants(41).drop(columns="default")
    at("2026-05-04 16:00")
    mlflow.set_experiment("credit_risk")
    with run("income estimate", "a.keller", "credit/income.py", "d4e5f60718293a4b5c6d7e8f90123456789abcde"):
        mlflow.log_input(dataset(frame, "applications", "credit/2026-Q1/income.parquet", "income"), context="training")
        model = LinearRegression().fit(frame.drop(columns="income"), frame["income"])
        mlflow.log_metric("r2", model.score(frame.drop(columns="income"), frame["income"]))
        info = log_model(model, frame, "income")
        log_model(LinearRegression(positive=True).fit(frame.drop(columns="income"), frame["income"]), frame, "income", name="positive-only")
    at("2026-05-04 16:30")
    register(info, "income estimate", "Registered by hand; not for decisions.", purpose="plausibility check")


def prompt():
    """A prompt is a registered model in disguise, and no model."""
    at("2026-08-17 10:00")
    mlflow.genai.register_prompt("adverse_action_letter", "Dear {{name}},\n\nwe cannot offer you this loan, because {{reason}}.", commit_message="Wording of the legal department", tags={"language": "en"})


wine()
lost = fraud_cards()
credit()
production()
fraud_transfers()
income()
prompt()
at("2026-11-02 12:00")
shutil.rmtree(os.path.join(ARTIFACTS, client.get_logged_model(lost.model_id).artifact_location.removeprefix("mlflow-artifacts:/")))
