# Registers two versions of a model `scoring` at MLFLOW_TRACKING_URI. What the
# argument says stands in all of it, so that two stores can be told apart.
import json, os, sys, tempfile
import mlflow
from mlflow import MlflowClient

for argument in sys.argv[1:]:  # LABEL, WORKSPACE:LABEL
    workspace, _, label = argument.rpartition(":")
    if workspace:
        if workspace != "default":
            mlflow.create_workspace(workspace)
        mlflow.set_workspace(workspace)
    client = MlflowClient()
    folder = tempfile.mkdtemp()
    os.makedirs(os.path.join(folder, "data"))
    with open(os.path.join(folder, "MLmodel"), "w") as f:
        f.write(f"flavors:\n  python_function: {{loader_module: x}}\nmetadata: {{label: {label}}}\n")
    with open(os.path.join(folder, "data", "weights.bin"), "w") as f:
        f.write(label)
    experiment = client.create_experiment("training", tags={"label": label})
    client.create_registered_model("scoring", tags={"label": label}, description=label)
    for number in ["1", "2"]:
        run = client.create_run(experiment, run_name=label + number)
        client.log_param(run.info.run_id, "label", label)
        client.log_metric(run.info.run_id, "auc", 0.1 + int(number) / 3)
        client.log_artifacts(run.info.run_id, folder, "model")
        client.set_terminated(run.info.run_id)
        client.create_model_version("scoring", run.info.artifact_uri + "/model", run.info.run_id, tags={"label": label}, description=label + number)
    client.set_registered_model_alias("scoring", "champion", "2" if label[-1] in "bdfhj" else "1")
