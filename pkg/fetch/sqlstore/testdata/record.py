#!/usr/bin/env python3
"""Record what real MLflow servers answer about awkward rows of their databases.

usage: record.py PYTHON [--workspace NAME]

PYTHON is the interpreter of an environment with MLflow (1.30.1, 2.22.1 or 3.17.2). A fresh database is filled with the rows below, a server is started on it,
and each object is asked for. Written beside this file: rows-VERSION.sql, the rows, to be put into schema-VERSION.sql, and answers-VERSION.jsonl, one answer a
line: kind, key, HTTP status, body. With --workspace (MLflow 3) the rows are written twice, for the default workspace and for NAME, and the server answers once
for each.
"""
import argparse, json, math, os, re, signal, socket, sqlite3, subprocess, sys, tempfile, time, urllib.error, urllib.parse, urllib.request

TABLES = ["workspaces", "experiments", "experiment_tags", "registered_models", "registered_model_tags", "registered_model_aliases", "model_versions", "model_version_tags",
          "runs", "tags", "params", "latest_metrics", "datasets", "inputs", "input_tags", "logged_models", "logged_model_params", "logged_model_tags", "logged_model_metrics"]


class Rows:
    """Writes rows; a column that the schema lacks is left out."""

    def __init__(self, db, workspace):
        self.db, self.workspace, self.n = db, workspace, 0
        self.base = 500 if workspace else 0

    def columns(self, table):
        return {r[1] for r in self.db.execute(f"pragma table_info({table})")}

    def add(self, table, **row):
        columns = self.columns(table)
        if self.workspace and "workspace" in columns:
            row["workspace"] = self.workspace
        row = {k: v for k, v in row.items() if k in columns}
        if row:
            names = ", ".join(f'"{k}"' for k in row)
            self.db.execute(f'insert into {table} ({names}) values ({", ".join("?" * len(row))})', tuple(row.values()))

    def run(self, tags=(), params=(), metrics=(), **change):
        self.n += 1
        run = "%032x" % (0xaaaa0000 + self.base * 0x10000 + self.n)
        row = dict(run_uuid=run, name=f"r{self.n}", source_type="LOCAL", user_id="u", status="FINISHED", start_time=1700000000000 + self.n // 3, end_time=1700000001000,
                   lifecycle_stage="active", artifact_uri=f"mlflow-artifacts:/1/{run}/artifacts", experiment_id=self.base + 1)
        self.add("runs", **{**row, **change})
        for k, v in tags: self.add("tags", key=k, value=v, run_uuid=run)
        for k, v in params: self.add("params", key=k, value=v, run_uuid=run)
        for k, v, nan in metrics: self.add("latest_metrics", key=k, value=v, timestamp=17, step=-3 if k == "back" else 2, is_nan=nan, run_uuid=run)
        return run

    def model(self, name, tags=(), aliases=(), **change):
        self.add("registered_models", **{**dict(name=name, creation_time=1, last_updated_time=2, description="d"), **change})
        for k, v in tags: self.add("registered_model_tags", key=k, value=v, name=name)
        for k, v in aliases: self.add("registered_model_aliases", alias=k, version=v, name=name)

    def version(self, name, version, tags=(), **change):
        row = dict(name=name, version=version, creation_time=1, last_updated_time=2, description="d", current_stage="None", source="s3://b/k", run_id="", status="READY",
                   run_link="", storage_location="s3://b/loc")
        self.add("model_versions", **{**row, **change})
        for k, v in tags: self.add("model_version_tags", key=k, value=v, name=name, version=version)

    def experiment(self, i, tags=(), **change):
        row = dict(experiment_id=self.base + i, name=f"e{i}", artifact_location="mlflow-artifacts:/x", lifecycle_stage="active", creation_time=5, last_update_time=6)
        self.add("experiments", **{**row, **change})
        for k, v in tags: self.add("experiment_tags", key=k, value=v, experiment_id=self.base + i)

    def logged_model(self, i, run, params=(), tags=(), metrics=(), **change):
        model, exp = "m-%032x" % (self.base + i), self.base + 1
        row = dict(model_id=model, experiment_id=exp, name=f"lm{i}", artifact_location=f"mlflow-artifacts:/1/models/{model}/artifacts", creation_timestamp_ms=1,
                   last_updated_timestamp_ms=2, status=2, lifecycle_stage="active", model_type="", source_run_id=run)
        self.add("logged_models", **{**row, **change})
        for k, v in params: self.add("logged_model_params", model_id=model, experiment_id=exp, param_key=k, param_value=v)
        for k, v in tags: self.add("logged_model_tags", model_id=model, experiment_id=exp, tag_key=k, tag_value=v)
        for k, ts, step, v, run, name, digest in metrics:
            self.add("logged_model_metrics", model_id=model, metric_name=k, metric_timestamp_ms=ts, metric_step=step, metric_value=v, experiment_id=exp, run_id=run,
                     dataset_name=name, dataset_digest=digest)
        return model


DOUBLES = [-0.0, 0.0, 1e-7, 1.5e300, 5e-324, 123456789012345680.0, 1e15, 1e16, 1.0, 0.1 + 0.2, 9007199254740993.0, 1e22, 1e-4, 0.00012345, 1e-5, 123456789.125,
           sys.float_info.max, -sys.float_info.max, sys.float_info.min, 9999999999999998.0, 4.35, 1 / 3, -2.5e-10, 100.0, math.inf, -math.inf]
NAMES = ["%", "_", "'", '"', "''", "back\\slash", "x' OR '1'='1", "new\nline", "tab\t", "emoji\U0001F600", "\u00e9", "e\u0301", "Z", "z", "zz", "\u2028", "a b", " lead", "trail ",
         "a?b#c", "\ufffd", "%25"]


def fill_runs(r):
    name = "mlflow.runName"
    r.run(name="", tags=[(name, "from tag")]); r.run(name=None, tags=[(name, "from tag 2")]); r.run(name="kept", tags=[(name, "other")])
    r.run(name=None); r.run(name=""); r.run(name="", tags=[(name, "")]); r.run(name=None, tags=[(name, None)]); r.run(name=None, tags=[(name, "")])
    r.run(user_id="", end_time=0, artifact_uri="", start_time=0); r.run(end_time=None, artifact_uri=None, status="RUNNING")
    r.run(status="SCHEDULED", end_time=None); r.run(status="KILLED", end_time=-5); r.run(status="FAILED"); r.run(lifecycle_stage="deleted")
    r.run(tags=[("nul", None), ("empty", ""), ("zero\x00byte", "a\x00b"), ("q'\"%", "'\"%\\"), ("emoji \U0001F600", "\U0001F600"), ("ctl", "\x01\x1f\x7f\u2028\r\n\t")],
          params=[("p", ""), ("P", "None"), ("p/x", "caf\u00e9"), ("\u00e9", "1"), ("z", "00012")])
    r.run(metrics=[("m%02d" % i, v, 0) for i, v in enumerate(DOUBLES)] + [("nan", 0, 1), ("nan5", 5.5, 1), ("back", 1, 0)])
    for _ in range(4): r.run(start_time=1600000000000)


def fill_registry(r):
    prompt = "mlflow.prompt.is_prompt"
    r.model("a1", description="", last_updated_time=0); r.model("a2", description=None, last_updated_time=None, creation_time=None); r.model("a3", creation_time=0)
    r.model("a4", tags=[("nul", None), ("", "emptykey"), ("e", ""), ("z", "1"), ("A", "2"), ("a", "3")], aliases=[("z", 1), ("Z", 2), ("caf\u00e9", 1), ("9", 3), ("b", 1), ("dangling", 99)])
    r.version("a4", 1, description="", status_message="", user_id="bob", run_link="http://x/y", tags=[("t", None), ("s", ""), ("B", "b"), ("b", "B")])
    r.version("a4", 2, description=None, status_message="went wrong", user_id="", run_id=None, source=None, run_link=None, last_updated_time=None, status="FAILED_REGISTRATION", storage_location=None)
    r.version("a4", 3, last_updated_time=0, storage_location="", status="PENDING_REGISTRATION", creation_time=0)
    r.version("a4", 4, current_stage="Deleted_Internal", source="REDACTED-SOURCE-PATH", run_id="REDACTED-RUN-ID", tags=[("kept", "1")])
    for i, stage in enumerate(["Staging", "Production", "Archived", "Staging", "None", "Production"]): r.version("a4", 10 + i, current_stage=stage, tags=[("i", str(i))])
    r.version("a4", 20, current_stage="Deleted_Internal")
    r.model("only deleted"); r.version("only deleted", 1, current_stage="Deleted_Internal")
    r.model("prompt1", tags=[(prompt, "true")]); r.version("prompt1", 1, source="dummy-source", tags=[(prompt, "true"), ("mlflow.prompt.text", "Hi {{x}}")])
    r.model("prompt2 not", tags=[(prompt, "false")]); r.version("prompt2 not", 1, tags=[(prompt, "True")])
    r.model("prompt3", tags=[(prompt, "true")]); r.version("prompt3", 1, tags=[(prompt, "true")]); r.version("prompt3", 2)
    for name in NAMES:
        r.model(name)
        for v in (1, 2, 10): r.version(name, v)
    r.experiment(2, creation_time=0, last_update_time=0, artifact_location=""); r.experiment(3, creation_time=None, last_update_time=None, tags=[("z", None), ("a", ""), ("mlflow.note.content", "n")])
    r.experiment(4, lifecycle_stage="deleted", name="gone % ' \""); r.experiment(5, name="other")


def fill_datasets(r):
    r1, r2, r3 = r.run(name="data1"), r.run(name="data2"), r.run(name="data3")
    ds = lambda i: f"ds{r.base + i}"
    for i, (schema, profile) in enumerate([(None, None), ("", ""), ("{}", "{}"), ("s", None)]):
        r.add("datasets", dataset_uuid=ds(i), experiment_id=r.base + 1, name=f"d{3 - i}", digest=f"dig{i}", dataset_source_type="local", dataset_source="src", dataset_schema=schema, dataset_profile=profile)
    for k, (run, i) in enumerate([(r1, 0), (r1, 1), (r1, 2), (r1, 3), (r2, 2), (r2, 0), (r3, 2)]):
        r.add("inputs", input_uuid=f"in{r.base + k}", source_type="DATASET", source_id=ds(i), destination_type="RUN", destination_id=run)
        for t, v in [("mlflow.data.context", "training"), ("z", ""), ("a", "b")][: k % 4]: r.add("input_tags", input_uuid=f"in{r.base + k}", name=t, value=v)
    r.add("inputs", input_uuid=f"no{r.base}", source_type="DATASET", source_id="no such dataset", destination_type="RUN", destination_id=r3)
    return r1, r2, r3


def fill_logged_models(r, r1, r2, r3):
    a = r.logged_model(1, r1, params=[("b", ""), ("a", "1")], tags=[("y", ""), ("x", "{}")], metrics=[
        ("acc", 5, 1, .5, r1, None, None), ("acc", 4, 1, .5, r1, None, None), ("acc", 4, 1, .25, r2, "d", "dig"), ("acc", 4, 0, 1e16, r2, "", ""),
        ("A", 1, 1, math.inf, r2, None, None), ("neg", 1, -1, -0.0, r3, None, None)])
    b = r.logged_model(2, None, status=0, model_type=None, status_message=""); r.logged_model(3, r1, status=1, status_message="why"); r.logged_model(4, "", status=3, model_type="agent")
    r.logged_model(5, r1, lifecycle_stage="deleted"); r.logged_model(6, r1, lifecycle_stage=None); r.logged_model(7, r1, creation_timestamp_ms=0, last_updated_timestamp_ms=0)
    for i, (kind, run, to, model, step) in enumerate([
            ("RUN_INPUT", r1, "MODEL_INPUT", b, 0), ("RUN_INPUT", r1, "MODEL_INPUT", a, 0), ("RUN_OUTPUT", r1, "MODEL_OUTPUT", b, 7), ("RUN_OUTPUT", r1, "MODEL_OUTPUT", a, -1),
            ("RUN_INPUT", r1, "MODEL_OUTPUT", "m-wrong", 1), ("RUN_OUTPUT", r2, "MODEL_INPUT", "m-wrong2", 1), ("RUN_OUTPUT", r2, "MODEL_OUTPUT", "m-dangling", 0)]):
        r.add("inputs", input_uuid=f"lm{r.base + i}", source_type=kind, source_id=run, destination_type=to, destination_id=model, step=step)


def fill(db, workspace):
    r = Rows(db, workspace)
    if workspace: r.add("workspaces", name=workspace, description="x")
    r.experiment(1, name="main", tags=[("t", "1")])
    fill_runs(r); fill_registry(r)
    if r.columns("inputs"): runs = fill_datasets(r)
    if r.columns("logged_models"): fill_logged_models(r, *runs)


def literal(v):
    if v is None: return "NULL"
    if isinstance(v, str):
        return "CAST(X'%s' AS TEXT)" % v.encode().hex() if re.search(r"[\x00-\x1f]", v) else "'" + v.replace("'", "''") + "'"
    return {math.inf: "9e999", -math.inf: "-9e999"}.get(v, repr(v))


def dump(db, path, version):
    with open(path, "w") as f:
        f.write(f"-- Made by record.py from a database of MLflow {version}.\n")
        for table in TABLES:
            columns = [r[1] for r in db.execute(f"pragma table_info({table})")]
            if not columns: continue
            names = ", ".join(f'"{c}"' for c in columns)
            for row in db.execute(f"select {names} from {table} order by rowid"):
                f.write(f"INSERT INTO {table} ({names}) VALUES ({', '.join(map(literal, row))});\n")


class Asker:
    def __init__(self, base, workspace, out):
        self.base, self.out, self.headers = base + "/api/2.0/mlflow", out, {"X-MLFLOW-WORKSPACE": workspace} if workspace else {}
        self.workspace = workspace

    def call(self, path, query=None, body=None):
        url = self.base + path + ("?" + urllib.parse.urlencode(query) if query else "")
        headers = {**self.headers, **({"Content-Type": "application/json"} if body else {})}
        try:
            with urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode() if body else None, headers)) as f: return f.status, json.load(f)
        except urllib.error.HTTPError as e: return e.code, None

    def write(self, kind, key, status, body):
        line = {"workspace": self.workspace} if self.workspace else {}
        self.out.write(json.dumps({**line, "kind": kind, "key": key, "status": status, "body": body}, ensure_ascii=False) + "\n")

    def get(self, kind, key, path, **query): self.write(kind, key, *self.call(path, query))

    def search(self, kind, path, member, one):
        found, query = [], {"max_results": 100}
        while True:
            _, page = self.call(path, query)
            found += [one(x) for x in page.get(member, [])]
            if not page.get("next_page_token"): return self.write(kind, "", 200, sorted(found))
            query["page_token"] = page["next_page_token"]

    def everything(self, db):
        for (n,) in db.execute("select distinct name from registered_models"): self.get("model", n, "/registered-models/get", name=n)
        for n, v in db.execute("select distinct name, version from model_versions"):
            self.get("version", [n, v], "/model-versions/get", name=n, version=v); self.get("uri", [n, v], "/model-versions/get-download-uri", name=n, version=v)
        for (i,) in db.execute("select run_uuid from runs"): self.get("run", i, "/runs/get", run_id=i)
        for i, n in db.execute("select experiment_id, name from experiments"):
            self.get("experiment", str(i), "/experiments/get", experiment_id=i); self.get("experiment by name", n, "/experiments/get-by-name", experiment_name=n)
            _, page = self.call("/runs/search", None, {"experiment_ids": [str(i)], "max_results": 1000})
            self.write("runs of", str(i), 200, [x["info"]["run_id"] for x in page.get("runs", [])])
        self.search("models", "/registered-models/search", "registered_models", lambda m: m["name"])
        self.search("versions", "/model-versions/search", "model_versions", lambda v: [v["name"], int(v["version"])])
        if db.execute("select 1 from sqlite_master where name = 'logged_models'").fetchone():
            for (i,) in db.execute("select model_id from logged_models"): self.get("logged model", i, f"/logged-models/{i}")


def serve(python, folder, workspaces):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0)); port = s.getsockname()[1]
    bin = os.path.dirname(os.path.abspath(python))
    command = [f"{bin}/mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db"]
    command += ["--enable-workspaces", "--artifacts-destination", f"{folder}/artifacts"] if workspaces else ["--default-artifact-root", f"{folder}/artifacts"]
    server = subprocess.Popen(command, env={**os.environ, "PATH": bin + os.pathsep + os.environ["PATH"]}, cwd=folder, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"
    for _ in range(120):
        try:
            urllib.request.urlopen(url + "/health").read(); return server, url
        except OSError: time.sleep(1)
    raise SystemExit("the server did not start")


def main():
    ap = argparse.ArgumentParser(); ap.add_argument("python"); ap.add_argument("--workspace")
    a = ap.parse_args()
    here = os.path.dirname(os.path.abspath(__file__))
    version = subprocess.run([a.python, "-c", "import mlflow; print(mlflow.__version__)"], check=True, capture_output=True, text=True, cwd="/").stdout.strip()
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/mlflow.db"
        make = f"from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore as S; S('sqlite:///{path}', 'mlflow-artifacts:/')"
        subprocess.run([a.python, "-c", make], check=True, cwd=folder, stderr=subprocess.DEVNULL)
        db = sqlite3.connect(path)
        fill(db, None)
        if a.workspace: fill(db, a.workspace)
        db.commit(); dump(db, f"{here}/rows-{version}.sql", version)
        server, url = serve(a.python, folder, a.workspace)
        try:
            with open(f"{here}/answers-{version}.jsonl", "w") as out:
                for w in ["default", a.workspace] if a.workspace else [None]: Asker(url, w, out).everything(db)
        finally:
            os.killpg(server.pid, signal.SIGTERM); server.wait()


main()
