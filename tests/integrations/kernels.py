"""A real kernel of IPython, as notebooks drive it."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jupyter_client.manager import KernelManager

from runfork.testing.waits import HANG_SECONDS, until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from jupyter_client.blocking.client import BlockingKernelClient


@dataclass
class Cell:
    """What a cell showed, and the name of the error that it ended with."""

    out: str = ""
    err: str = ""
    error: str | None = None
    trace: list[str] = field(default_factory=list)


class Kernel:
    """Started at once; cells are run one after the other."""

    def __init__(self, folder: os.PathLike[str], environment: Mapping[str, str]) -> None:
        place = os.fspath(folder)
        self._manager = KernelManager(kernel_name="python3", connection_file=f"{place}/kernel.json")
        own = {"PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "IPYTHONDIR": f"{place}/ipython"}
        self._manager.start_kernel(cwd=place, env={**os.environ, **own, **environment})
        self._client: BlockingKernelClient = self._manager.client()
        self._client.start_channels()
        self._client.wait_for_ready(timeout=HANG_SECONDS)

    def run(self, code: str, *, interrupt_when: Callable[[], bool] | None = None) -> Cell:
        """Run a cell to its end; interrupt it as the button does, once `interrupt_when` says so."""
        asked = self._client.execute(code)
        if interrupt_when is not None:
            until(interrupt_when)
            self._manager.interrupt_kernel()
        cell = Cell()
        while True:
            message = self._client.get_iopub_msg(timeout=HANG_SECONDS)
            content: Any = message["content"]
            if message["parent_header"].get("msg_id") != asked:
                continue
            if message["msg_type"] == "stream":
                if content["name"] == "stdout":
                    cell.out += content["text"]
                else:
                    cell.err += content["text"]
            elif message["msg_type"] == "error":
                cell.error, cell.trace = content["ename"], content["traceback"]
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                self._client.get_shell_msg(timeout=HANG_SECONDS)
                return cell

    def close(self) -> None:
        """Shut the kernel down as a notebook does when it is closed."""
        self._client.stop_channels()
        self._manager.shutdown_kernel()
        self._manager.cleanup_resources()
