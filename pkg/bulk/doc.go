// Package bulk keeps many reports in few files: `reports-00000.jsonl.zst`,
// `reports-00001.jsonl.zst`, ... hold one report per line, compressed with
// Zstandard in frames of about 1 MB, and `index.jsonl` says for each report
// where it is, so that one can be read without the others:
//
//	{"place": "A/1", "file": "reports-00000.jsonl.zst", "frame": 0, "frame_bytes": 90210, "offset": 5120, "bytes": 4711, "sha256": "..."}
//
// The frame begins at byte `frame` of the file and is `frame_bytes` long; in
// what it decompresses to, the line begins at `offset` and is `bytes` long,
// without its end. sha256 is that of the line. Whatever reads compressed JSON
// lines, such as DuckDB, reads the files as they are.
//
// Lines go in by place and come out by place; the package never looks into
// them and never names a file outside of the folder that it is given.
package bulk
