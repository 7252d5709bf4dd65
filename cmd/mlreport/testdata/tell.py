# Prints what MLflow's own client says of all model versions of several stores:
# argument 1 is a JSON list of {"host", "uri", "workspace"}.
import json, math, sys
import mlflow
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException


def of_run(client, run_id):
    try:
        run = client.get_run(run_id)
    except MlflowException:
        return None
    return {
        "run_id": run.info.run_id, "experiment_id": run.info.experiment_id, "status": run.info.status, "start_time": run.info.start_time,
        "artifact_uri": run.info.artifact_uri, "experiment": client.get_experiment(run.info.experiment_id).name,
        "params": sorted(run.data.params), "tags": sorted(run.data.tags),
        "metrics": {k: v if math.isfinite(v) else {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[str(v)] for k, v in run.data.metrics.items()},
    }


def of_store(store):
    client = MlflowClient(tracking_uri=store["uri"], registry_uri=store["uri"])
    if store.get("workspace"):
        mlflow.set_workspace(store["workspace"])
    told, token = {}, None
    aliases = {}
    while True:
        page = client.search_model_versions("", max_results=100, page_token=token)
        for v in page:
            if v.name not in aliases:
                aliases[v.name] = client.get_registered_model(v.name).aliases
            told[f"{v.name}/{v.version}"] = {
                "source": v.source, "run_id": v.run_id or "", "status": v.status, "description": v.description or "", "created": v.creation_timestamp, "stage": v.current_stage,
                "tags": sorted(v.tags), "aliases": sorted(a for a, n in aliases[v.name].items() if str(n) == str(v.version)),
                "run": of_run(client, v.run_id) if v.run_id else None,
            }
        token = page.token
        if not token:
            return told


print(json.dumps({store["host"]: of_store(store) for store in json.loads(sys.argv[1])}))
