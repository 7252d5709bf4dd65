"""What a user would write: the objects of each model version, with MLflow's client in a pool of threads.

usage: client.py THREADS < lines of "name version"; MLFLOW_TRACKING_URI names the server.
Prints how many seconds it took, without the time in which Python imports MLflow.
"""
import sys, time
from concurrent.futures import ThreadPoolExecutor
import mlflow
from mlflow import MlflowClient


def read(line):
    name, version = line.rsplit(" ", 1)
    v = client.get_model_version(name, version)
    client.get_registered_model(name)
    run = client.get_run(v.run_id)
    client.get_experiment(run.info.experiment_id)
    return mlflow.models.get_model_info(f"models:/{name}/{version}")


lines = sys.stdin.read().splitlines()
client = MlflowClient()
began = time.perf_counter()
with ThreadPoolExecutor(int(sys.argv[1])) as pool:
    assert all(pool.map(read, lines))
print(time.perf_counter() - began)
