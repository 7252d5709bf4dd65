"""Runs mlreport on the store of scripts/million and writes bench/million.md.

usage: million.py MLREPORT DIR
"""
import os
import pathlib
import platform
import resource
import subprocess
import sys
import time

import duckdb

mlreport, work = sys.argv[1], pathlib.Path(sys.argv[2])
out = work / "out"

began = time.monotonic()
subprocess.run([mlreport, "run", f"sqlite:///{work}/store/mlflow.db", "--out", str(out), "--format", "jsonl"], check=True)
seconds = time.monotonic() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)

began = time.monotonic()
[(lines, models)] = duckdb.sql(
    f"select count(*), count(distinct model_version.name) from read_json('{out}/bulk/reports-*.jsonl.zst',"
    " format = 'newline_delimited', columns = {model_version: 'STRUCT(name VARCHAR)'})"
).fetchall()
queried = time.monotonic() - began
if lines != 1_000_000:
    sys.exit(f"DuckDB finds {lines} reports")

size = lambda paths: sum(p.stat().st_size for p in paths) / 1e6
pathlib.Path(__file__).with_name("million.md").write_text(f"""# A million versions

`scripts/million` wrote this: a store of 1,000,000 versions of {models:,} models, each with a run of its own, without artifacts, in one SQLite file of
{size([work / "store" / "mlflow.db"]):,.0f} MB; `mlreport run STORE --format jsonl` on {os.cpu_count()} cores, {platform.system()} {platform.machine()}.

| what | |
|---|---:|
| seconds, from start to end | {seconds:.0f} |
| reports/s | {lines / seconds:.0f} |
| CPU s | {used.ru_utime + used.ru_stime:.0f} |
| peak MB | {used.ru_maxrss / 1024:.0f} |
| MB of lines, compressed | {size(out.glob("bulk/reports-*")):.0f} |
| MB of their index | {size([out / "bulk" / "index.jsonl"]):.0f} |
| MB of index.json | {size([out / "index.json"]):.0f} |
| seconds in which DuckDB counts reports and models | {queried:.1f} |
""")
