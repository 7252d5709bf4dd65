"""What the two makers of the sample store (classic.py, models.py) share: the clock, runs that name no machine, and data."""
import datetime
import json
import logging
import os
import random
import warnings

warnings.filterwarnings("ignore")

import mlflow  # noqa: E402
import mlflow.models.model  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402

logging.getLogger("mlflow").setLevel(logging.ERROR)
logging.getLogger("mlflow.sklearn").setLevel(logging.ERROR)
logging.getLogger("mlflow.store.model_registry.abstract_store").setLevel(logging.ERROR)
UTC = datetime.timezone.utc
REQUIREMENTS = ["scikit-learn==1.9.1", "pandas==3.1.1", "numpy==2.4.6"]
REPOSITORY = "https://git.example.com/model-factory/training.git"


class _Clock(datetime.datetime):
    """MLmodel's `utc_time_created` does not ask time.time."""

    @classmethod
    def now(cls, tz=None):
        import time
        return datetime.datetime.fromtimestamp(time.time(), tz or UTC)

    @classmethod
    def utcnow(cls):
        return cls.now().replace(tzinfo=None)


mlflow.models.model.datetime = _Clock


def at(moment):
    """Sets the clock of the client and the server: 2026-03-17 09:30."""
    seconds = datetime.datetime.strptime(moment, "%Y-%m-%d %H:%M").replace(tzinfo=UTC).timestamp()
    # Seconds that are not zero look less odd; they are the same each time.
    seconds += random.Random(moment).uniform(1, 59)
    new = os.environ["SAMPLE_CLOCK"] + ".new"
    with open(new, "w") as f:
        f.write(repr(seconds))
    os.replace(new, os.environ["SAMPLE_CLOCK"])


def run(name, by, source, commit, note=None, nested=False, **tags):
    """A run whose origin is given, not found: what MLflow finds by itself are names of this machine."""
    given = {
        "mlflow.user": by, "mlflow.source.name": source, "mlflow.source.type": "JOB",
        "mlflow.source.git.commit": commit, "mlflow.source.git.branch": "main", "mlflow.source.git.repoURL": REPOSITORY,
    }
    if note:
        given["mlflow.note.content"] = note
    given.update({k: v if isinstance(v, str) else json.dumps(v) for k, v in tags.items()})
    return mlflow.start_run(run_name=name, tags=given, nested=nested)


def dataset(frame, name, url, targets=None):
    return mlflow.data.from_pandas(frame, source="https://data.example.com/" + url, name=name, targets=targets)


def applicants(seed, n=400):
    """Loan applications: five things a bank knows, and whether the loan was paid back."""
    rng = np.random.default_rng(seed)
    months = rng.integers(0, 360, n).astype(float)
    income = rng.lognormal(10.1, 0.25, n) * (1 + months / 300)
    frame = pd.DataFrame({
        "income": income.round(2),
        "loan_amount": (income * rng.lognormal(-1.2, 0.4, n)).round(2),
        "months_employed": months,
        "open_credits": rng.integers(0, 9, n).astype(float),
        "arrears_24m": rng.poisson(0.4, n).astype(float),
    })
    risk = 1.1 * frame.arrears_24m + 0.25 * frame.open_credits + 2.0 * frame.loan_amount / frame.income - 0.006 * frame.months_employed - 1.3
    frame["default"] = (rng.random(n) < 1 / (1 + np.exp(-risk))).astype(int)
    return frame


def payments(seed, n=600):
    """Card payments: what the network sends, and whether the customer disputed it."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({
        "amount": rng.lognormal(3.4, 1.1, n).round(2),
        "hour": rng.integers(0, 24, n).astype(float),
        "km_from_home": rng.exponential(40, n).round(1),
        "payments_last_hour": rng.poisson(0.7, n).astype(float),
        "card_present": rng.integers(0, 2, n).astype(float),
    })
    risk = 0.012 * frame.amount + 1.4 * frame.payments_last_hour + 0.02 * frame.km_from_home - 2.6 * frame.card_present - 3.4
    frame["fraud"] = (rng.random(n) < 1 / (1 + np.exp(-risk))).astype(int)
    return frame
