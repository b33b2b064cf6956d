"""A server of Flower's bidirectional protocol, written from the facts of its wire alone: messages are put together and taken
apart by hand, with grpcio for the transport and NumPy for the arrays. It runs federated averaging as Flower 1.6 does.

    python3 flower_server_peer.py CLIENTS ROUNDS

Prints one line with its port, and when the run is over one line of JSON with what came of it.
"""

import io
import json
import queue
import struct
import sys
import threading
from concurrent import futures
from functools import reduce

import grpc
import numpy as np

PATIENCE = 60
CLIENTS = int(sys.argv[1])
ROUNDS = int(sys.argv[2])

# ---- protobuf


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def field(number, content):
    """A length-delimited field."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def read_varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """All fields of a message as pairs of number and value, in order."""
    found = []
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = read_varint(data, at)
        elif kind == 1:
            value, at = data[at : at + 8], at + 8
        elif kind == 2:
            length, at = read_varint(data, at)
            value, at = data[at : at + length], at + length
        elif kind == 5:
            value, at = data[at : at + 4], at + 4
        else:
            raise ValueError("wire type %d" % kind)
        found.append((key >> 3, value))
    return found


def only(data, number, default=None):
    """The last value of a field."""
    values = [value for n, value in fields(data) if n == number]
    return values[-1] if values else default


# ---- Flower's messages


def scalar(value):
    if isinstance(value, bool):
        return varint(13 << 3) + varint(int(value))
    if isinstance(value, int):
        return varint(8 << 3) + varint((value << 1) ^ (value >> 63))
    if isinstance(value, float):
        return varint(1 << 3 | 1) + struct.pack("<d", value)
    if isinstance(value, bytes):
        return field(15, value)
    return field(14, value.encode())


def read_scalar(data):
    ((number, value),) = fields(data)
    if number == 1:
        return struct.unpack("<d", value)[0]
    if number == 8:
        return (value >> 1) ^ -(value & 1)
    if number == 13:
        return bool(value)
    if number == 14:
        return value.decode()
    if number == 15:
        return value
    raise ValueError("Flower before 1.12 does not know scalar %d" % number)


def scalars(number, values):
    return b"".join(field(number, field(1, k.encode()) + field(2, scalar(v))) for k, v in values.items())


def read_scalars(data, number):
    entries = [value for n, value in fields(data) if n == number]
    return {only(e, 1).decode(): read_scalar(only(e, 2)) for e in entries}


def array(value):
    out = io.BytesIO()
    np.save(out, value, allow_pickle=False)
    return out.getvalue()


def parameters(arrays):
    return b"".join(field(1, array(a)) for a in arrays) + field(2, b"numpy.ndarray")


def read_parameters(data):
    assert only(data, 2) == b"numpy.ndarray", only(data, 2)
    return [np.load(io.BytesIO(v), allow_pickle=False) for n, v in fields(data) if n == 1]


def require_success(data):
    status = only(data, 1, b"")
    assert only(status, 1, 0) == 0, status
    assert only(status, 2) == b"Success", status
    return data


# ---- clients


class Guest:
    def __init__(self, peer):
        self.peer = peer
        self.instructions = queue.Queue()
        self.answers = queue.Queue()

    def ask(self, number, content):
        """Asks in lock-step; the answer must be the one that belongs to the question."""
        self.instructions.put(field(number, content))
        answer = self.answers.get(timeout=PATIENCE)
        ((kind, body),) = fields(answer)
        assert kind == number, (kind, number)
        assert self.answers.empty(), "more than one answer"
        return body


guests = {}
joined = threading.Semaphore(0)
lock = threading.Lock()


def join(messages, context):
    peer = context.peer()
    guest = Guest(peer)
    with lock:
        if peer in guests:
            return
        guests[peer] = guest
    # Until the server stops, a stream stays open whatever its client has said.
    context.add_callback(lambda: guest.instructions.put(None))
    joined.release()
    while True:
        instruction = guest.instructions.get()
        if instruction is None:
            return
        yield instruction
        guest.answers.put(next(messages))


def ask_all(members, number, content):
    with futures.ThreadPoolExecutor(len(members)) as pool:
        return list(pool.map(lambda guest: guest.ask(number, content), members))


def main():
    limit = 512 * 1024 * 1024
    server = grpc.server(
        futures.ThreadPoolExecutor(max_workers=CLIENTS + 2),
        options=[("grpc.max_send_message_length", limit), ("grpc.max_receive_message_length", limit)],
    )
    handler = grpc.stream_stream_rpc_method_handler(join)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("flwr.proto.FlowerService", {"Join": handler}),)
    )
    print(server.add_insecure_port("127.0.0.1:0"), flush=True)
    server.start()
    for _ in range(CLIENTS):
        assert joined.acquire(timeout=PATIENCE), "too few clients"

    names = {}
    for guest in guests.values():
        answer = require_success(guest.ask(2, scalars(1, {"why": "order"})))
        names[read_scalars(answer, 2)["client_id"]] = guest
    members = [names[name] for name in sorted(names)]

    weights = read_parameters(only(require_success(members[0].ask(3, b"")), 2))
    losses = []
    train_losses = []
    for number in range(1, ROUNDS + 1):
        settings = {"server_round": number, "localEpochs": 2, "learningRate": 0.25, "shuffle": True, "key": b"\x00\xff"}
        # A transposed weight is column-major, and stays so in the file.
        sent = [np.asfortranarray(w) for w in weights] if number == 2 else weights
        results = []
        for answer in ask_all(members, 4, field(1, parameters(sent)) + scalars(2, settings)):
            require_success(answer)
            results.append((read_parameters(only(answer, 2)), only(answer, 3)))
            train_losses.append(read_scalars(answer, 4)["loss"])
        total = sum(count for _, count in results)
        weighted = [[layer * count for layer in layers] for layers, count in results]
        weights = [reduce(np.add, updates) / total for updates in zip(*weighted)]

        measured = []
        for answer in ask_all(members, 5, field(1, parameters(weights)) + scalars(2, {"server_round": number})):
            require_success(answer)
            measured.append((struct.unpack("<f", only(answer, 2))[0], only(answer, 3)))
        losses.append(sum(loss * n for loss, n in measured) / sum(n for _, n in measured))

    goodbyes = ask_all(members, 1, b"")
    assert all(only(goodbye, 1, 0) == 1 for goodbye in goodbyes), goodbyes
    server.stop(1).wait()
    print(
        json.dumps(
            {
                "clients": sorted(names),
                "goodbyes": len(goodbyes),
                "losses": losses,
                "train_losses": train_losses,
                "dtypes": [str(w.dtype) for w in weights],
                "shapes": [list(w.shape) for w in weights],
                "values": [float(v) for w in weights for v in w.ravel()],
            }
        ),
        flush=True,
    )


main()
