"""One process at a time writes a run: the other is told who does.

A process that ends, however, leaves nothing behind.
"""

import signal
import subprocess
import sys

import pytest

HOLDER = """
import sys, time
from pathlib import Path
from nnks.tracking.lock import hold
hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def other(folder):
    """A process that has the run."""
    process = subprocess.Popen([sys.executable, "-c", HOLDER, str(folder.path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_the_second_process_is_told_who_has_the_run(folder, other):
    import socket

    from nnks.tracking.lock import Busy, hold, holder

    with pytest.raises(Busy) as refused:
        hold(folder.path)
    sentence = str(refused.value)
    assert f"process {other.pid} on {socket.gethostname()} since 20" in sentence
    assert "\n" not in sentence
    assert f"process {other.pid}" in holder(folder.path)
    with pytest.raises(Busy):  # asking has not taken it, nor what it says
        hold(folder.path)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_process_that_ends_gives_the_run_back(number, folder, other):
    from nnks.tracking.lock import hold, holder, release

    other.send_signal(number)
    other.wait()
    assert holder(folder.path) == ""
    hold(folder.path)
    release(folder.path)
    assert not (folder.path / ".lock").exists()


def test_two_threads_of_one_process_are_two(folder):
    import os

    from nnks.tracking.lock import Busy, hold, release

    hold(folder.path)
    with pytest.raises(Busy, match=f"process {os.getpid()}"):
        hold(folder.path)
    release(folder.path)
    hold(folder.path)
    release(folder.path)
    release(folder.path)


def test_two_that_look_for_a_run_find_one(tmp_path, quick):
    """Both start at once: one makes the folder and has it, the other is refused; never two folders."""
    import threading

    from nnks.runs.experiment import folder_of
    from nnks.tracking.lock import Busy, release

    config, paths, start = quick(), [], threading.Barrier(4)

    def look():
        start.wait()
        try:
            paths.append(folder_of(config, tmp_path).path)
        except Busy as error:
            paths.append(error)

    threads = [threading.Thread(target=look) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (own,) = [each for each in paths if not isinstance(each, Busy)]
    assert len(paths) == 4
    release(own)
    assert [path.name for path in (tmp_path / "default").iterdir()] == [own.name]
    assert folder_of(config, tmp_path).path == own
    release(own)


def test_without_locks_a_run_goes_on_and_says_so(folder, monkeypatch, capsys):
    """A file system without flock, as some clusters mount theirs."""
    import errno
    import fcntl

    from nnks.tracking import lock

    def unsupported(*arguments):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    monkeypatch.setattr(lock, "_warned", set())
    for _ in range(2):
        lock.hold(folder.path)
        lock.release(folder.path)
    said = capsys.readouterr().err
    assert said.count("has no locks") == said.count("\n") == 1


def test_a_folder_that_is_gone_is_not_made_again(folder):
    import shutil

    from nnks.tracking.lock import holder

    shutil.rmtree(folder.path)
    assert holder(folder.path) == ""
    assert not folder.path.exists()
