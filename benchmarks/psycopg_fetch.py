"""What psycopg2's fetchall takes to get a table's numbers into a float32 array: the peer of PgReadBenchmark.

Usage: psycopg_fetch.py host port database user columns

Writes one line about itself, then answers every line, which is a number of rows, with seconds. A password comes from PGPASSWORD.
"""

import sys
import time

import numpy
import psycopg2

host, port, database, user, columns = sys.argv[1:6]
connection = psycopg2.connect(host=host, port=port, dbname=database, user=user)
connection.autocommit = True
print(f"psycopg2 {psycopg2.__version__.split()[0]}, numpy {numpy.__version__}", flush=True)
for line in sys.stdin:
    start = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {columns} FROM pg_read_benchmark WHERE id <= %s ORDER BY id", (int(line),))
        array = numpy.array(cursor.fetchall(), dtype=numpy.float32)
    seconds = time.perf_counter() - start
    assert array.shape[0] == int(line)
    del array
    print(seconds, flush=True)
