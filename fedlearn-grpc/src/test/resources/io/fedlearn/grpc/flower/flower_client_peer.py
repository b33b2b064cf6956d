"""A client of Flower's bidirectional protocol, written from the facts of its wire alone: the messages are described here, field by
field, and made into classes by the protobuf runtime; NumPy writes and reads the arrays. It trains a linear regression.

    python3 flower_client_peer.py HOST:PORT SEED VARIANT

VARIANT is plain, fortran, float64, bigendian, crash (dies in its second fit), deaf (ignores that the run is over), or raises (ends
as Flower's client does when user code raises). Prints one line of JSON with what it was asked, and exits with 0 if it was sent away.
"""

import io
import json
import os
import queue
import sys

import grpc
import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

LIMIT = 536_870_912
SHAPE = (3, 2)

# ---- messages

TYPES = descriptor_pb2.FieldDescriptorProto


def add_field(message, name, number, kind, type_name=None, repeated=False, oneof=None):
    field = message.field.add(name=name, number=number, type=kind)
    field.label = TYPES.LABEL_REPEATED if repeated else TYPES.LABEL_OPTIONAL
    if type_name:
        field.type_name = ".flwr.proto." + type_name
    if oneof is not None:
        field.oneof_index = oneof


def snake(name):
    return "".join("_" + c.lower() if c.isupper() else c for c in name).lstrip("_")


def add_map(message, path, name, number):
    entry = message.nested_type.add(name=name.capitalize() + "Entry")
    entry.options.map_entry = True
    add_field(entry, "key", 1, TYPES.TYPE_STRING)
    add_field(entry, "value", 2, TYPES.TYPE_MESSAGE, "Scalar")
    add_field(message, name, number, TYPES.TYPE_MESSAGE, path + "." + entry.name, repeated=True)


def build():
    file = descriptor_pb2.FileDescriptorProto(name="peer.proto", package="flwr.proto", syntax="proto3")
    status = file.message_type.add(name="Status")
    # Enumerations are varints on the wire.
    add_field(status, "code", 1, TYPES.TYPE_INT32)
    add_field(status, "message", 2, TYPES.TYPE_STRING)
    parameters = file.message_type.add(name="Parameters")
    add_field(parameters, "tensors", 1, TYPES.TYPE_BYTES, repeated=True)
    add_field(parameters, "tensor_type", 2, TYPES.TYPE_STRING)
    scalar = file.message_type.add(name="Scalar")
    scalar.oneof_decl.add(name="scalar")
    add_field(scalar, "double", 1, TYPES.TYPE_DOUBLE, oneof=0)
    add_field(scalar, "sint64", 8, TYPES.TYPE_SINT64, oneof=0)
    add_field(scalar, "bool", 13, TYPES.TYPE_BOOL, oneof=0)
    add_field(scalar, "string", 14, TYPES.TYPE_STRING, oneof=0)
    add_field(scalar, "bytes", 15, TYPES.TYPE_BYTES, oneof=0)

    server = file.message_type.add(name="ServerMessage")
    server.oneof_decl.add(name="msg")
    for number, (name, model, config) in enumerate(
        [
            ("ReconnectIns", False, False),
            ("GetPropertiesIns", False, True),
            ("GetParametersIns", False, True),
            ("FitIns", True, True),
            ("EvaluateIns", True, True),
        ],
        1,
    ):
        nested = server.nested_type.add(name=name)
        if name == "ReconnectIns":
            add_field(nested, "seconds", 1, TYPES.TYPE_INT64)
        if model:
            add_field(nested, "parameters", 1, TYPES.TYPE_MESSAGE, "Parameters")
        if config:
            add_map(nested, "ServerMessage." + name, "config", 2 if model else 1)
        add_field(server, snake(name), number, TYPES.TYPE_MESSAGE, "ServerMessage." + name, oneof=0)

    client = file.message_type.add(name="ClientMessage")
    client.oneof_decl.add(name="msg")
    for number, name in enumerate(
        ["DisconnectRes", "GetPropertiesRes", "GetParametersRes", "FitRes", "EvaluateRes"], 1
    ):
        nested = client.nested_type.add(name=name)
        path = "ClientMessage." + name
        if name == "DisconnectRes":
            add_field(nested, "reason", 1, TYPES.TYPE_INT32)
        else:
            add_field(nested, "status", 1, TYPES.TYPE_MESSAGE, "Status")
        if name == "GetPropertiesRes":
            add_map(nested, path, "properties", 2)
        if name in ("GetParametersRes", "FitRes"):
            add_field(nested, "parameters", 2, TYPES.TYPE_MESSAGE, "Parameters")
        if name == "EvaluateRes":
            add_field(nested, "loss", 2, TYPES.TYPE_FLOAT)
        if name in ("FitRes", "EvaluateRes"):
            add_field(nested, "num_examples", 3, TYPES.TYPE_INT64)
            add_map(nested, path, "metrics", 4)
        add_field(client, snake(name), number, TYPES.TYPE_MESSAGE, path, oneof=0)

    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return [
        factory.GetPrototype(pool.FindMessageTypeByName("flwr.proto." + name))
        for name in ("ServerMessage", "ClientMessage")
    ]


ServerMessage, ClientMessage = build()

# ---- arrays


def dump(array):
    out = io.BytesIO()
    np.save(out, array, allow_pickle=False)
    return out.getvalue()


def arrays(parameters):
    return [np.load(io.BytesIO(tensor), allow_pickle=False) for tensor in parameters.tensors]


def scalars(config):
    found = {}
    for name, value in config.items():
        member = value.WhichOneof("scalar")
        if member is None:
            raise TypeError("scalar without a value: " + name)
        found[name] = getattr(value, member)
    return found


# ---- the site


class Site:
    def __init__(self, seed, variant):
        random = np.random.default_rng(seed)
        true = np.array([[1.0, -2.0], [0.5, 3.0], [-1.5, 0.25]])
        self.x = random.normal(size=(40 + 10 * seed, SHAPE[0])).astype(np.float32)
        self.y = (self.x @ true + np.array([0.5, -0.5])).astype(np.float32)
        self.variant = variant
        self.asked = []
        self.fits = 0

    def initial(self):
        return [np.zeros(SHAPE, np.float32), np.zeros(SHAPE[1], np.float32), np.array(0, np.int64)]

    def loss(self, w, b):
        return float(np.mean((self.x @ w + b - self.y) ** 2))

    def fit(self, tensors, config):
        self.fits += 1
        if self.variant == "crash" and self.fits == 2:
            os._exit(1)
        if self.variant == "raises":
            raise RuntimeError("user code")
        w, b, seen = tensors
        for _ in range(int(config.get("localEpochs", 1)) * 20):
            error = self.x @ w + b - self.y
            w = w - np.float32(0.1) * (self.x.T @ error) / np.float32(len(self.x))
            b = b - np.float32(0.1) * error.mean(axis=0)
        seen = seen + 20
        if self.variant == "fortran":
            w = np.asfortranarray(w)
            assert not w.flags.c_contiguous
        elif self.variant == "float64":
            w, b, seen = w.astype(np.float64), b.astype(np.float64), np.float64(seen)
        elif self.variant == "bigendian":
            w, b = w.astype(">f4"), b.astype(">f4")
        return [w, b, np.asarray(seen)]

    def answer(self, message):
        kind = message.WhichOneof("msg")
        reply = ClientMessage()
        asked = {"kind": kind}
        if kind == "get_properties_ins":
            reply.get_properties_res.status.code = 1
            reply.get_properties_res.status.message = "Client does not implement `get_properties`"
        elif kind == "get_parameters_ins":
            asked["config"] = scalars(message.get_parameters_ins.config)
            reply.get_parameters_res.status.message = "Success"
            reply.get_parameters_res.parameters.tensors.extend(dump(a) for a in self.initial())
            reply.get_parameters_res.parameters.tensor_type = "numpy.ndarray"
        elif kind == "fit_ins":
            tensors = arrays(message.fit_ins.parameters)
            asked["config"] = scalars(message.fit_ins.config)
            asked["types"] = [a.dtype.str for a in tensors]
            asked["shapes"] = [list(a.shape) for a in tensors]
            result = self.fit(tensors, asked["config"])
            reply.fit_res.status.message = "Success"
            reply.fit_res.parameters.tensors.extend(dump(a) for a in result)
            reply.fit_res.parameters.tensor_type = "numpy.ndarray"
            reply.fit_res.num_examples = len(self.x)
            reply.fit_res.metrics["loss"].double = self.loss(result[0], result[1])
            reply.fit_res.metrics["localSteps"].sint64 = 20
            reply.fit_res.metrics["site"].string = "python"
        elif kind == "evaluate_ins":
            tensors = arrays(message.evaluate_ins.parameters)
            asked["config"] = scalars(message.evaluate_ins.config)
            reply.evaluate_res.loss = self.loss(tensors[0], tensors[1])
            reply.evaluate_res.num_examples = len(self.x)
            reply.evaluate_res.metrics["rows"].sint64 = len(self.x)
        else:
            raise ValueError("asked for " + str(kind))
        self.asked.append(asked)
        return reply


def main():
    address, seed, variant = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    site = Site(seed, variant)
    replies = queue.Queue()
    channel = grpc.insecure_channel(
        address,
        options=[("grpc.max_send_message_length", LIMIT), ("grpc.max_receive_message_length", LIMIT)],
    )
    join = channel.stream_stream(
        "/flwr.proto.FlowerService/Join",
        request_serializer=ClientMessage.SerializeToString,
        response_deserializer=ServerMessage.FromString,
    )
    for message in join(iter(replies.get, None)):
        if message.WhichOneof("msg") == "reconnect_ins":
            if variant == "deaf":
                continue
            goodbye = ClientMessage()
            goodbye.disconnect_res.reason = 1
            replies.put(goodbye)
            # At once, as Flower's client does: the goodbye may not arrive.
            channel.close()
            print(json.dumps({"asked": site.asked, "seconds": message.reconnect_ins.seconds}))
            return
        replies.put(site.answer(message))
    sys.exit("the call ended without a goodbye")


if __name__ == "__main__":
    main()
