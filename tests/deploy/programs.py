"""Programs that run beside a check: each on ports of its own, until the end of a block."""

import contextlib
import pathlib
import signal
import socket
import subprocess
import time


def free_port():
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def running(command, folder, name):
    """A program until the end of the block, what it says in a file of its name."""
    with open(pathlib.Path(folder, name), "w", encoding="utf-8") as said:
        program = subprocess.Popen([str(word) for word in command], cwd=folder, stdout=said, stderr=subprocess.STDOUT)
        try:
            yield program
        finally:
            program.send_signal(signal.SIGINT)
            try:
                program.wait(20)
            except subprocess.TimeoutExpired:
                program.kill()


def waited_for(log, program, words, seconds):
    """What a program has said once it has said these words."""
    until = time.monotonic() + seconds
    while words not in (said := log.read_text()):
        if program.poll() is not None or time.monotonic() > until:
            raise SystemExit(f"{' '.join(map(str, program.args))} did not come up: {said[-2000:]}")
        time.sleep(0.2)
    return said


def prometheus(port):
    """The command of a Prometheus that reads prometheus.yml of the folder that it runs in."""
    return ["prometheus", "--config.file=prometheus.yml", "--storage.tsdb.path=data", f"--web.listen-address=127.0.0.1:{port}"]
