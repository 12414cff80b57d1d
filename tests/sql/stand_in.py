"""Several servers of ClickHouse, as far as one engine can be them; for tests of the layouts `sharded` and `replicated`.

The shards are one engine, its own Distributed tables and planner: a row filter shows each of them its part of the local tables, which are
partitioned by it, so that FINAL sees no other part either. That engine can neither copy nor run DDL for others: a stand-in between takes
`Replicated` and `ON CLUSTER` out of what is sent. A database of shards has the name of its cluster.

As a program it serves in the folder that it is started in until its standard input ends, and prints where: `ready URL`.
"""

import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.request

MIGRATIONS = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "clickhouse"
GRAPEVINE = os.environ.get("GRAPEVINE", str(pathlib.Path(__file__).resolve().parents[2] / "target" / "release" / "grapevine"))
# How many shards each cluster has, how many servers each shard, and by what its rows of lives are spread; by their versions would be wrong.
SOURCE = "splitByChar(':', source)[-1]"
CLUSTERS = {"two": (2, 1, SOURCE), "three": (3, 1, SOURCE), "wrong": (2, 1, "version"), "copies": (1, 2, SOURCE)}
OF_LIVES = ("activity_window", "cascade", "thread")


def shard_of(cluster, table):
    """On which shard a row lies, from 0 on."""
    shards, _, key = CLUSTERS[cluster]
    return f"cityHash64({key if table in OF_LIVES else SOURCE}) % {shards}"


def start(folder):
    """An engine that knows clusters, each of whose shards is itself; in the databases of a cluster each shard sees its part."""
    tables = re.findall(r"CREATE TABLE IF NOT EXISTS (\w+) \((?:(?!\nCREATE).)*?\nORDER BY \([^)]*\bepoch\b", "".join(file.read_text() for file in sorted(MIGRATIONS.glob("*.sql"))), re.S)
    seen = lambda name, table: f"<{table}><filter>shardNum() = 0 OR {shard_of(name, table)} = shardNum() - 1</filter></{table}>"
    filters = "".join(f"<{name}_rows_local>{''.join(seen(name, table) for table in tables)}</{name}_rows_local>" for name in CLUSTERS)
    users = f"<users><default><password/><networks><ip>::/0</ip></networks><profile>default</profile><quota>default</quota><databases>{filters}</databases></default></users>"
    (folder / "users.xml").write_text(f"<clickhouse><profiles><default><do_not_merge_across_partitions_select_final>1</do_not_merge_across_partitions_select_final></default></profiles><quotas><default/></quotas>{users}</clickhouse>")
    replica = "<replica><host>127.0.0.1</host><port>9000</port></replica>"
    shard = lambda servers: f"<shard><internal_replication>true</internal_replication>{replica * servers}</shard>"
    clusters = "".join(f"<{name}>{shard(servers) * shards}</{name}>" for name, (shards, servers, _) in CLUSTERS.items())
    (folder / "config.xml").write_text(
        f"<clickhouse><users_config>{folder / 'users.xml'}</users_config><tcp_port>9000</tcp_port><remote_servers>{clusters}</remote_servers></clickhouse>"
    )
    engine = subprocess.Popen([GRAPEVINE, "embedded-clickhouse", "--data", folder / "data"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    return engine, engine.stdout.readline().removeprefix("ready ").strip()


def plain(text):
    """A statement as an engine takes it that is alone. In a file beside it stands what else is to be put in the place of what, for the answers of servers
    that are not there; what was said of copies is written down.
    """
    others = pathlib.Path("stand_in.json")
    for what, instead in json.loads(others.read_text()).items() if others.exists() else ():
        text = text.replace(what, instead)
    if text.startswith("SYSTEM SYNC REPLICA"):
        with open("synced", "a") as synced:
            synced.write(f"{text}\n")
        return "SELECT 1"
    if part := re.match(r"CREATE TABLE IF NOT EXISTS `(\w+)_rows_local`\.(\w+) ", text):
        text = text.replace("\nORDER BY", f"\nPARTITION BY {shard_of(*part.groups())}\nORDER BY")
    text = re.sub(r" ON CLUSTER `\w+`", "", text)
    text = re.sub(r"ENGINE = Replicated(\w+)(?:\('/clickhouse[^']*', '[^']*'(?:, )?(\w*)\))?", lambda found: f"ENGINE = {found[1]}" + (f"({found[2]})" if found[2] else ""), text)
    text = text.replace("SELECT macro FROM macros", "SELECT arrayJoin(['replica', 'shard'])")
    return text.replace("min(engine)", "min(if(endsWith(engine, 'MergeTree'), 'Replicated' || engine, engine))")


def listen(url):
    """Listens where servers of a cluster would, and hands over what they are asked."""

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            """One statement."""
            body = self.rfile.read(int(self.headers["Content-Length"])) if "Content-Length" in self.headers else b"".join(iter(self._chunk, b""))
            if "query=" not in self.path:
                body = plain(body.decode(errors="surrogateescape")).encode(errors="surrogateescape")
            headers = {name: value for name, value in self.headers.items() if name.lower() not in ("host", "content-length", "transfer-encoding", "connection")}
            try:
                with urllib.request.urlopen(urllib.request.Request(url + self.path, data=body, headers=headers, method="POST")) as answer:
                    self._answer(answer.status, answer.headers, answer.read())
            except urllib.error.HTTPError as error:
                self._answer(error.code, error.headers, error.read())

        def _chunk(self):
            size = int(self.rfile.readline(), 16)
            piece = self.rfile.read(size)
            self.rfile.readline()
            return piece

        def _answer(self, status, headers, body):
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() not in ("content-length", "transfer-encoding", "connection"):
                    self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Nothing."""

    class Server(http.server.ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            """Whoever asked was killed, or something is wrong here."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_port}"


def main():
    """Serves."""
    engine, url = start(pathlib.Path.cwd())
    try:
        print("ready", listen(url), flush=True)
        sys.stdin.read()
    finally:
        engine.stdin.close()
        engine.wait()


if __name__ == "__main__":
    main()
