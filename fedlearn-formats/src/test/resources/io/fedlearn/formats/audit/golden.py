"""Writes plain.jsonl and signed.jsonl, with openssl, as the description of AuditRecord says. Key: RFC 8032, 7.1, test 1."""
import base64
import hashlib
import json
import os
import subprocess
import tempfile

SEED = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PKCS8 = bytes.fromhex("302e020100300506032b657004220420") + SEED
EVENTS = [
    ("2025-03-01T10:15:30.500Z", "run-started", {"mu": 0.5, "seed": 7}),
    ("2025-03-01T10:16:00Z", "round-committed", {"round": 1}),
    ("2025-03-01T10:16:01Z", "client-declined", {"client": "Zürich \U0001f600 \"x\"\n", "round": 2}),
]
HERE = os.path.dirname(os.path.abspath(__file__))


def canonical(members):
    # Enough for these values: no numbers that Python and ECMAScript write differently.
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def openssl(*arguments, stdin=b""):
    return subprocess.run(("openssl",) + arguments, input=stdin, capture_output=True, check=True).stdout


def lines(signs, folder):
    key = os.path.join(folder, "key.der")
    message = os.path.join(folder, "message")
    with open(key, "wb") as out:
        out.write(PKCS8)
    public = openssl("pkey", "-inform", "DER", "-in", key, "-pubout", "-outform", "DER")
    previous = ""
    for sequence, (at, kind, fields) in enumerate(EVENTS, 1):
        record = {"at": at, "fields": fields, "previous": previous, "sequence": sequence, "type": kind, "version": 1}
        if signs:
            record["version"] = 2
            record["keyId"] = hashlib.sha256(public).hexdigest()[:16]
            with open(message, "wb") as out:
                out.write(bytes.fromhex(previous) + canonical(record))
            sign = ("pkeyutl", "-sign", "-keyform", "DER", "-inkey", key, "-rawin", "-in", message)
            record["signature"] = openssl(*sign).hex()
        record["hash"] = hashlib.sha256(bytes.fromhex(previous) + canonical(record)).hexdigest()
        previous = record["hash"]
        yield canonical(record) + b"\n"


with tempfile.TemporaryDirectory() as folder:
    for name, signs in (("plain.jsonl", False), ("signed.jsonl", True)):
        with open(os.path.join(HERE, name), "wb") as out:
            out.writelines(lines(signs, folder))
