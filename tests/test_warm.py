import os
import signal
import socket

import pytest

from runfork.testing.waits import HANG_SECONDS, until
from runfork.testing.warm import SHARED, start_warm


@pytest.fixture
def start(tmp_path):
    started = []

    def begin(code, **environment):
        started.append(code)
        file = tmp_path / f"script_{len(started)}.py"
        file.write_text(code)
        return start_warm(file, modules=("json",), cwd=tmp_path, environment={**os.environ, **environment})

    return begin


def test_a_warm_script_has_its_own_environment_folder_pipes_and_name(start, tmp_path):
    process = start("import os, sys; print(os.environ['WHO'], os.getcwd(), __name__, sys.argv)", WHO="me")
    out, err = process.communicate(timeout=HANG_SECONDS)

    assert (f"me {tmp_path} __main__ {[str(tmp_path / 'script_1.py')]}\n", "") == (out, err)
    assert 0 == process.returncode


def test_its_modules_are_loaded_already(start):
    out, _ = start("import sys; print('json' in sys.modules)").communicate(timeout=HANG_SECONDS)

    assert "True\n" == out


def test_an_exception_ends_it_as_any_script(start):
    code = "import atexit, sys\natexit.register(lambda: print(repr(sys.last_value)))\nraise ValueError('no')"
    process = start(code)
    out, err = process.communicate(timeout=HANG_SECONDS)

    assert ("ValueError('no')\n", 1) == (out, process.returncode)
    assert err.endswith("ValueError: no\n")


@pytest.mark.parametrize(("code", "status"), [("raise SystemExit(3)", 3), ("import os; os._exit(4)", 4), ("", 0)])
def test_its_exit_status_comes_back(start, code, status):
    process = start(f"import sys\n{code}")
    process.communicate(timeout=HANG_SECONDS)

    assert status == process.returncode


def test_it_can_be_talked_to_and_killed(start):
    process = start("print(input().upper(), flush=True)\nimport signal; signal.pause()")
    process.stdin.write("hello\n")
    process.stdin.flush()

    assert "HELLO\n" == process.stdout.readline()
    assert process.poll() is None
    process.kill()
    assert -signal.SIGKILL == process.wait(HANG_SECONDS)
    assert ("", "") == process.communicate(timeout=HANG_SECONDS)


def test_processes_that_it_spawns_find_its_main_module(start):
    code = """
import multiprocessing
def double(number):
    return 2 * number
if __name__ == "__main__":
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(double, [1, 2]))
"""
    out, err = start(code).communicate(timeout=HANG_SECONDS)

    assert ("[2, 4]\n", "") == (out, err)


def test_many_run_at_once(start):
    processes = [start(f"print({number})") for number in range(5)]

    assert [f"{number}\n" for number in range(5)] == [
        process.communicate(timeout=HANG_SECONDS)[0] for process in processes
    ]


def test_processes_share_a_server_which_ends_with_the_last_of_them(start, tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("shared")  # a short path: sockets take no long ones
    monkeypatch.setenv(SHARED, str(folder))
    code = """
import os, pathlib, sys
from runfork.testing.warm import start_warm
script = pathlib.Path("parent.py")
script.write_text("import os; print(os.getppid())")
process = start_warm(script, modules=("json", "csv"), cwd=pathlib.Path(), environment=dict(os.environ))
print(process.communicate()[0], end="", flush=True)
sys.stdin.read()
"""
    clients = [start(code) for _ in range(3)]
    servers = {client.stdout.readline() for client in clients}
    clients[0].kill()
    clients[0].communicate(timeout=HANG_SECONDS)
    clients[0] = start(code)
    servers.add(clients[0].stdout.readline())
    (address,) = folder.glob("*.socket")

    assert 1 == len(servers)
    assert is_listened_to(address)
    for client in clients:
        client.communicate(timeout=HANG_SECONDS)
    until(lambda: not is_listened_to(address))


def is_listened_to(address):
    with socket.socket(socket.AF_UNIX) as client:
        try:
            client.connect(str(address))
        except ConnectionRefusedError:
            return False
    return True
