"""Gives the sample store's server and clients a clock that the maker sets: Python imports this file by itself when its folder is on PYTHONPATH.

The file that SAMPLE_CLOCK names holds the second at which the clock stood when the file was written; from there it runs on as fast as the real one.
"""
import os
import time

_real, _path = time.time, os.environ["SAMPLE_CLOCK"]


def _now():
    try:
        with open(_path) as f:
            return float(f.read()) + max(0.0, _real() - os.stat(_path).st_mtime)
    except (OSError, ValueError):  # it is being written
        return _now()


time.time = _now
