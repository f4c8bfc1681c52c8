import gc
import subprocess
import sys
import threading

import pytest

ALONE = """
import gc
from runfork.index.garbage import collector_paused
def look():
    with collector_paused():
        yield gc.isenabled()
assert not next(found := look())
found.close()
assert gc.isenabled()
try:
    with collector_paused(), collector_paused():
        raise KeyError
except KeyError:
    assert gc.isenabled()
gc.disable()
with collector_paused():
    pass
assert not gc.isenabled()
"""


def test_the_collector_is_paused_in_a_process_of_one_thread_and_left_as_it_was():
    subprocess.run([sys.executable, "-c", ALONE], check=True)


@pytest.mark.parametrize("is_on", [True, False])
def test_the_collector_is_left_alone_beside_other_threads(is_on):
    from runfork.index.garbage import collector_paused

    is_over = threading.Event()
    other = threading.Thread(target=is_over.wait)
    other.start()
    try:
        (gc.enable if is_on else gc.disable)()
        with collector_paused():
            assert gc.isenabled() is is_on
        assert gc.isenabled() is is_on
    finally:
        gc.enable()
        is_over.set()
        other.join()
