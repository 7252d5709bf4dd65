// Package filestore reads a folder store of MLflow 1.30 to 3.x (`mlruns`)
// where it lies, without a server. In goes the path of the folder; out come
// the objects that an MLflow server with that folder behind it shows with its
// `get` calls, member by member. It follows MLflow's
// store/tracking/file_store.py and store/model_registry/file_store.py.
//
//	<experiment id>/meta.yaml                 deleted ones below .trash/
//	  tags/<key>  datasets/<hash>/meta.yaml
//	  models/<model id>/meta.yaml             logged models: tags/ params/ metrics/
//	  <run id>/meta.yaml                      tags/ params/ metrics/ inputs/ outputs/
//	models/<name>/meta.yaml                   the registry: tags/ aliases/
//	  version-<n>/meta.yaml                   tags/
//
// It never writes, and never reads outside of the folder: all goes through
// os.Root, and names and ids, which come from data, are single path components.
//
// # Where it differs from such a server
//
// The lists that MLflow leaves in the order of the directory (params, metrics,
// tags, aliases, latest_versions, inputs, outputs) are in byte order of their
// keys. Otherwise the answer of a server depends on its version, and what
// counts here is which version wrote the object:
//
//   - `outputs` of a run and `run_id` of its metrics are shown when a 3.x wrote
//     the run's meta.yaml (it has no `run_uuid`). A 3.x server shows them for
//     all runs, a 2.x server for none; a 1.30 server shows no `inputs` either.
//   - `workspace` of an experiment is shown when it is in its meta.yaml. A 3.17
//     server shows it always.
//
// And where a server misreads its own folder, what is stored is shown:
//
//   - Lines of run metrics with a dataset have their step; 3.x reads them with
//     step 0, and may so take another line for the latest.
//   - Dataset names with blanks are read; 3.x fails on the whole run or model.
//   - Logged models of deleted experiments are found; 3.x looks for them in the
//     wrong folder.
//   - Runs that lack the folders metrics, params or artifacts, which git does
//     not keep when they are empty, are read; 3.17 says that there is none.
//   - A model or version whose meta.yaml names another one is not found; a
//     server shows it under the wrong name.
//   - `.DS_Store` is no tag, blank lines are no metrics, and text that is not
//     UTF-8 is repaired; a server fails on them.
package filestore
