"""Writes and reads one table with clickhouse-connect in every compression; prints one line each. The argument is the URL."""

import datetime
import sys
from decimal import Decimal
from urllib.parse import urlparse

import clickhouse_connect

address = urlparse(sys.argv[1])
columns = ["n", "name", "at", "samples", "minutes", "money", "rate", "hash"]
moment = datetime.datetime(2020, 1, 1, tzinfo=datetime.timezone.utc)
rows = [
    [n, f"n;\n{n % 3}", moment, {"a": 0.5}, [1, 2], Decimal(n) / 4, None if n % 2 else n, 1 << 100]
    for n in range(20000)
]
for compress in [False, "lz4", "zstd", "gzip"]:
    client = clickhouse_connect.get_client(host=address.hostname, port=address.port, database="g", compress=compress)
    client.command("DROP TABLE IF EXISTS t")
    client.command(
        "CREATE TABLE t (n UInt64, name LowCardinality(String), at DateTime64(3,'UTC'), samples Map(String,Float64), "
        "minutes Array(UInt8), money Decimal(38,6), rate Nullable(Int32), hash UInt128) ENGINE = MergeTree ORDER BY n"
    )
    client.insert("t", rows, column_names=columns)
    totals = client.query(
        "SELECT count(), sum(n), sum(money), countIf(rate IS NULL), any(hash) FROM t WHERE n < {below:UInt64}",
        parameters={"below": 10000},
    )
    assert totals.result_rows == [(10000, 49995000, Decimal("12498750"), 5000, 1 << 100)], totals.result_rows
    back = client.query("SELECT n, name, samples, minutes FROM t ORDER BY n").result_rows
    assert back == [(row[0], row[1], row[3], row[4]) for row in rows]
    with client.query_row_block_stream("SELECT number FROM numbers(200000)") as stream:
        assert sum(len(block) for block in stream) == 200000
    try:
        client.query("SELECT * FROM nowhere")
        raise AssertionError("an unknown table was found")
    except clickhouse_connect.driver.exceptions.DatabaseError as error:
        assert "code: 60" in str(error).lower(), error
    client.close()
    print(compress, "ok")
