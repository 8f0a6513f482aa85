#!/usr/bin/env python3
"""broker_ready.py PORT: exits 0 once the Kafka broker on 127.0.0.1:PORT knows itself (a metadata query, version 1)."""
import socket
import struct
import sys


def read(connection, size):
    data = b""
    while len(data) < size:
        part = connection.recv(size - len(data))
        if not part:
            raise OSError("closed")
        data += part
    return data


def brokers(port):
    """How many brokers the metadata names: a node that still starts names none."""
    client = b"ready"
    # api key 3 (Metadata), version 1, correlation id, client id, an empty list of topics
    request = struct.pack(">hhih", 3, 1, 7, len(client)) + client + struct.pack(">i", 0)
    with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
        connection.sendall(struct.pack(">i", len(request)) + request)
        size, = struct.unpack(">i", read(connection, 4))
        answer = read(connection, size)
    return struct.unpack(">ii", answer[:8])[1]


try:
    sys.exit(0 if brokers(int(sys.argv[1])) > 0 else 1)
except (OSError, struct.error):
    sys.exit(1)
