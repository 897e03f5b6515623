"""A `gateway` for the PATH of shells that costs only its own work: all imports were made once, for all tests."""

from __future__ import annotations

import contextlib
import json
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from socketserver import StreamRequestHandler, UnixStreamServer

from tests.cli.launcher import launch
from tests.servers.process import scratch_folder

_SHIM = """#!{python} -SEs
import json, os, socket, sys
streams = [f"{folder}/{{os.getpid()}}.{{name}}" for name in ("in", "out", "err")]
with open(streams[0], "wb") as given:
    given.write(sys.stdin.buffer.read())
job = dict(arguments=sys.argv[1:], folder=os.getcwd(), environment=dict(os.environ), streams=streams)
with socket.socket(socket.AF_UNIX) as line:
    line.connect("{folder}/socket")
    line.sendall(json.dumps(job).encode() + b"\\n")
    code = int(line.makefile().readline())
for out, path in zip((sys.stdout, sys.stderr), streams[1:]):
    with open(path, "rb") as said:
        out.buffer.write(said.read())
sys.exit(code)
"""


class _Launch(StreamRequestHandler):
    def handle(self) -> None:
        job = json.loads(self.rfile.readline())
        streams = [Path(path) for path in job["streams"]]
        code = launch(job["arguments"], Path(job["folder"]), job["environment"], streams)
        self.wfile.write(f"{code}\n".encode())


@contextlib.contextmanager
def gateway_at_hand() -> Iterator[Path]:
    """Yield a folder with the command in it, until the end of the block."""
    with scratch_folder("path") as folder:
        command = folder / "gateway"
        command.write_text(_SHIM.format(python=sys.executable, folder=folder), encoding="utf-8")
        command.chmod(0o755)
        with UnixStreamServer(str(folder / "socket"), _Launch) as server:
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            try:
                yield folder
            finally:
                server.shutdown()
                thread.join()
