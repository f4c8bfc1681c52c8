"""One piece of work for one tracker, in the tracker's environment: ``python -m benchmarks.peers.worker TASK.json``.

The task names adapter, work, folder, options and the file for the figures. Only the standard library and the tracker are imported.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from benchmarks.peers.roster import adapter_class
from benchmarks.peers.work import WORK, leave


def main() -> None:
    """Do it, and write the figures."""
    task = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    new_adapter = adapter_class(task["adapter"])
    began = time.perf_counter()
    tracker = new_adapter(Path(task["folder"]))
    imported = time.perf_counter() - began
    figures = {"import": imported, **WORK[task["work"]](tracker, **task["options"])}
    how = str(figures.pop("leaves", ""))
    Path(task["figures"]).write_text(json.dumps(figures), encoding="utf-8")
    leave(how)


if __name__ == "__main__":
    main()
