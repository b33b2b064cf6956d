"""A server and clients that speak Flower's bidirectional protocol, for NetworkRoundBenchmark.

Written from the protocol's facts, with grpcio, protobuf and numpy: an equivalent of what a round of Flower costs, not Flower. The
server asks every client to fit, waits for all answers, takes the mean weighted by examples layer by layer in numpy, and begins
again. A client answers with a copy in which one value of each layer has changed.

    flower_protocol_peers.py server PARAMETERS LAYERS CLIENTS ROUNDS    prints "PORT n", then a line "ROUND seconds" for each round,
                                                                        then "RESIDENT bytes"
    flower_protocol_peers.py client PORT                                ends when the server says so
    flower_protocol_peers.py versions
"""

import io
import queue
import resource
import sys
import threading
import time
from concurrent import futures
from functools import reduce

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

LIMIT = 2**31 - 1
OPTIONS = [("grpc.max_send_message_length", LIMIT), ("grpc.max_receive_message_length", LIMIT)]
METHOD = "/flwr.proto.FlowerService/Join"


def classes():
    """The messages that a round of fitting needs; a reader skips fields that are not named here."""
    file = descriptor_pb2.FileDescriptorProto(name="peers.proto", package="flwr.proto", syntax="proto3")
    kinds = descriptor_pb2.FieldDescriptorProto

    def message(name, *fields):
        made = file.message_type.add(name=name)
        for field, number, kind, repeated, of in fields:
            label = kinds.LABEL_REPEATED if repeated else kinds.LABEL_OPTIONAL
            one = made.field.add(name=field, number=number, type=kind, label=label)
            if of:
                one.type_name = ".flwr.proto." + of

    message("Status", ("code", 1, kinds.TYPE_INT32, False, None), ("message", 2, kinds.TYPE_STRING, False, None))
    message(
        "Parameters",
        ("tensors", 1, kinds.TYPE_BYTES, True, None),
        ("tensor_type", 2, kinds.TYPE_STRING, False, None),
    )
    message("FitIns", ("parameters", 1, kinds.TYPE_MESSAGE, False, "Parameters"))
    message("ReconnectIns", ("seconds", 1, kinds.TYPE_INT64, False, None))
    message(
        "FitRes",
        ("status", 1, kinds.TYPE_MESSAGE, False, "Status"),
        ("parameters", 2, kinds.TYPE_MESSAGE, False, "Parameters"),
        ("num_examples", 3, kinds.TYPE_INT64, False, None),
    )
    message("DisconnectRes", ("reason", 1, kinds.TYPE_INT32, False, None))
    message(
        "ServerMessage",
        ("reconnect_ins", 1, kinds.TYPE_MESSAGE, False, "ReconnectIns"),
        ("fit_ins", 4, kinds.TYPE_MESSAGE, False, "FitIns"),
    )
    message(
        "ClientMessage",
        ("disconnect_res", 1, kinds.TYPE_MESSAGE, False, "DisconnectRes"),
        ("fit_res", 4, kinds.TYPE_MESSAGE, False, "FitRes"),
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    names = ["Parameters", "ServerMessage", "ClientMessage"]
    found = [pool.FindMessageTypeByName("flwr.proto." + name) for name in names]
    if hasattr(message_factory, "GetMessageClass"):
        return [message_factory.GetMessageClass(one) for one in found]
    factory = message_factory.MessageFactory(pool)
    return [factory.GetPrototype(one) for one in found]


Parameters, ServerMessage, ClientMessage = classes()


def to_bytes(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def from_bytes(data):
    return np.load(io.BytesIO(data), allow_pickle=False)


def client(port):
    outgoing = queue.Queue()
    channel = grpc.insecure_channel("127.0.0.1:" + port, options=OPTIONS)
    join = channel.stream_stream(
        METHOD, request_serializer=ClientMessage.SerializeToString, response_deserializer=ServerMessage.FromString
    )
    try:
        for message in join(iter(outgoing.get, None)):
            if message.HasField("reconnect_ins"):
                break
            arrays = [from_bytes(data) for data in message.fit_ins.parameters.tensors]
            for array in arrays:
                array.flat[0] += 1
            answer = ClientMessage()
            answer.fit_res.num_examples = 1
            answer.fit_res.parameters.tensor_type = "numpy.ndarray"
            answer.fit_res.parameters.tensors.extend(to_bytes(array) for array in arrays)
            outgoing.put(answer)
    except grpc.RpcError:
        pass
    outgoing.put(None)
    channel.close()


class Bridge:
    """One client's stream, as a call that sends one message and waits for one."""

    def __init__(self, answers):
        self.answers = answers
        self.outgoing = queue.Queue()

    def ask(self, message):
        self.outgoing.put(message)
        return next(self.answers)


def server(parameters, layers, clients, rounds):
    bridges = []
    joined = threading.Semaphore(0)

    def join(answers, context):
        bridge = Bridge(answers)
        bridges.append(bridge)
        joined.release()
        return iter(bridge.outgoing.get, None)

    handler = grpc.stream_stream_rpc_method_handler(
        join, request_deserializer=ClientMessage.FromString, response_serializer=ServerMessage.SerializeToString
    )
    serving = grpc.server(futures.ThreadPoolExecutor(max_workers=1000), options=OPTIONS)
    serving.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("flwr.proto.FlowerService", {"Join": handler}),)
    )
    port = serving.add_insecure_port("127.0.0.1:0")
    serving.start()
    print("PORT", port, flush=True)
    for _ in range(clients):
        joined.acquire()

    model = [np.zeros(parameters // layers, dtype=np.float32) for _ in range(layers)]
    tensors = [to_bytes(layer) for layer in model]

    def fit(bridge):
        message = ServerMessage()
        message.fit_ins.parameters.tensor_type = "numpy.ndarray"
        message.fit_ins.parameters.tensors.extend(tensors)
        answer = bridge.ask(message).fit_res
        return [from_bytes(data) for data in answer.parameters.tensors], answer.num_examples

    with futures.ThreadPoolExecutor() as asking:
        for _ in range(rounds):
            start = time.perf_counter()
            waited = futures.wait([asking.submit(fit, bridge) for bridge in bridges])
            results = [one.result() for one in waited.done]
            total = sum(count for _, count in results)
            weighted = [[layer * count for layer in arrays] for arrays, count in results]
            model = [reduce(np.add, updates) / total for updates in zip(*weighted)]
            tensors = [to_bytes(layer) for layer in model]
            print("ROUND", time.perf_counter() - start, flush=True)
    print("RESIDENT", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, flush=True)
    for bridge in bridges:
        message = ServerMessage()
        message.reconnect_ins.SetInParent()
        bridge.outgoing.put(message)
        bridge.outgoing.put(None)
    serving.stop(5).wait()


if __name__ == "__main__":
    if sys.argv[1] == "server":
        server(*map(int, sys.argv[2:6]))
    elif sys.argv[1] == "client":
        client(sys.argv[2])
    else:
        print("Python %s, grpcio %s, numpy %s" % (sys.version.split()[0], grpc.__version__, np.__version__))
