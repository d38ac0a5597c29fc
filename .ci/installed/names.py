"""A server of names on loopback: every host is 127.0.0.1, and has no address of the newer kind."""

import socket
import struct

ADDRESS = struct.pack(">HHHIH4B", 0xC00C, 1, 1, 60, 4, 127, 0, 0, 1)

server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(("127.0.0.1", 53))
while True:
    query, sender = server.recvfrom(512)
    # The question ends with a name, its type and its class.
    end = query.index(0, 12) + 5
    (kind,) = struct.unpack(">H", query[end - 4 : end - 2])
    answer = ADDRESS if kind == 1 else b""
    head = query[:2] + struct.pack(">HHHHH", 0x8180, 1, 1 if answer else 0, 0, 0)
    server.sendto(head + query[12:end] + answer, sender)
