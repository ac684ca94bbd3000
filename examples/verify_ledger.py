"""Verifies an export of a colony's ledger, with Python's standard library alone (3.9 or later), where no kernel is.

    curl -s localhost:8000/system/audit/head > head.json           # note this down, somewhere else
    curl -s localhost:8000/system/audit/export > ledger.ndjson     # later
    python3 examples/verify_ledger.py ledger.ndjson --head head.json

Finds what `colonyos audit verify` finds. docs/ledger.md says what that proves, and describes the form that is read here.
Exit codes: 0 nothing is wrong, 1 something is, 2 it could not be checked.
"""

import argparse
import base64
import hashlib
import json
import re
import sys

# Ed25519, after RFC 8032, section 5.1. A point is (X, Y, Z, T) with x = X/Z, y = Y/Z and x*y = T/Z.
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def point(data):
    """The point that 32 bytes stand for: y, and above it the sign of x. None: they stand for none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return x, y, 1, x * y % P


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]), (p[1] + p[0]) * (q[1] + q[0])
    c, d = 2 * p[3] * q[3] * D, 2 * p[2] * q[2]
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(factor, p):
    product = (0, 1, 1, 0)
    while factor:
        if factor & 1:
            product = add(product, p)
        p, factor = add(p, p), factor >> 1
    return product


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public_key, message, signature):
    """Whether the signature (64 bytes) over the message is by the key (32 bytes)."""
    a, r, s = point(public_key), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if len(public_key) != 32 or len(signature) != 64 or a is None or r is None or s >= ORDER:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public_key + message).digest(), "little") % ORDER
    left, right = times(s, BASE), add(r, times(h, a))
    return not ((left[0] * right[2] - right[0] * left[2]) % P or (left[1] * right[2] - right[1] * left[2]) % P)


# The ledger. Lines are taken as the kernel wrote them, to the byte: nothing has to be written anew to be hashed.
STRING, HASH = rb'"[^"\\]*"', rb'"([0-9a-f]{64})"'
ENTRY = re.compile(
    rb'\{"id":([1-9]\d{0,14}),"timestamp":(' + STRING + rb'),"event_type":(' + STRING + rb'),"actor":("(?:[^"\\]|\\.)*")'
    rb',"source":(' + STRING + rb'),"details":(\{.*\}),"prev_hash":' + HASH + rb',"hash":' + HASH + rb"\}",
    re.DOTALL,
)
HEAD = re.compile(
    rb'\{"head":(\{"system_id":"[\w.-]{1,64}","first_id":\d+,"entries":\d+,"hash":' + HASH + rb',"timestamp":' + STRING
    + rb',"key_id":"[0-9a-f]{16}","public_key":"[A-Za-z0-9+/=]+","signature":"[A-Za-z0-9+/=]+"\})\}'
)
GENESIS = b"0" * 64
SIGNED = ("system_id", "first_id", "entries", "hash", "timestamp", "key_id")


class Invalid(Exception):
    """What is wrong, and where."""


def check_head(head, key):
    """The head must be signed, and by the key, unless that is None. Answers the key it was signed with."""
    own = unbase64(head["public_key"])
    if key not in (None, own):
        raise Invalid("was signed with another key than the expected one")
    if hashlib.sha256(own).hexdigest()[:16] != head["key_id"]:
        raise Invalid("names a key that is not its public key")
    text = "\n".join(["colonyos.head.1", *(str(head[name]) for name in SIGNED)])
    if not is_signed(own, text.encode(), unbase64(head["signature"])):
        raise Invalid("does not fit its signature")
    return own


def unbase64(text):
    data = base64.b64decode(text)
    if base64.b64encode(data).decode() != text:
        raise Invalid("is not in proper base64")
    return data


def check_export(lines, key, noted):
    """Answers the head of an export that is as it should be; raises Invalid with the first thing that is wrong."""
    first, last, last_hash, head, number = None, None, None, None, 0
    for number, line in enumerate(lines, 1):
        line = line[:-1] if line.endswith(b"\n") else line
        due = None if last is None else last + 1
        where = f"line {number}" + ("" if due is None else f", entry {due}")
        if head is not None:
            raise Invalid(f"line {number}: something was added behind the head")
        if line.startswith(b'{"head":'):
            found = HEAD.fullmatch(line)
            if not found:
                raise Invalid(f"line {number}: the head is not as the kernel writes it")
            try:
                head = json.loads(found[1])
                check_head(head, key)
            except (ValueError, Invalid) as problem:
                raise Invalid(f"line {number}: the head {problem}") from None
            continue
        found = ENTRY.fullmatch(line)
        if not found:
            raise Invalid(f"{where}: no entry as the kernel writes it")
        id_, timestamp, type_, actor, source, details, before, hash_ = found.groups()
        canonical = b'{"actor":%b,"details":%b,"event_type":%b,"id":%b,"source":%b,"timestamp":%b}' % (
            actor, details, type_, id_, source, timestamp)
        if hashlib.sha256(b"colonyos.ledger.1\n%b\n%b" % (before, canonical)).hexdigest().encode() != hash_:
            raise Invalid(f"{where}: content, prev_hash and hash do not fit each other")
        if due not in (None, int(id_)):
            raise Invalid(f"{where}: entry {int(id_)} stands here: others are missing, or it is out of order")
        if before != (last_hash or (GENESIS if int(id_) == 1 else before)):
            raise Invalid(f"{where}: does not follow the entry before it: one of the two was rewritten or put in")
        first, last, last_hash = first or int(id_), int(id_), hash_
        for at, its_hash in ((last - 1, before), (last, hash_)):
            if noted and noted["entries"] == at and noted["hash"].encode() != its_hash:
                raise Invalid(f"{where}: entry {at} has another hash than the noted one: history was rewritten")
    if head is None:
        raise Invalid(f"line {number + 1}: the head is missing: the end was cut off")
    held = (first or head["entries"] + 1, last or head["entries"])
    if held != (head["first_id"], head["entries"]):
        raise Invalid(f"line {number}: entries {held[0]} to {held[1]} are here, the head is over {head['first_id']} to {head['entries']}")
    if (last_hash or head["hash"].encode()) != head["hash"].encode():
        raise Invalid(f"line {number - 1}, entry {last}: its hash is not the signed one: rewritten")
    if noted and not held[0] - 1 <= noted["entries"] <= head["entries"]:
        raise Invalid(f"the noted head is over {noted['entries']} entries: it is not on this chain")
    if noted and noted["entries"] == head["entries"] and noted["hash"] != head["hash"]:
        raise Invalid("the noted head is not on this chain: history was rewritten")
    return head


def key_from(text):
    """A public key out of what --public-key names: base64, or a file with that, with PEM or with a head."""
    if re.fullmatch(r"\s*[A-Za-z0-9+/]{43}=\s*", text):
        return base64.b64decode(text)
    pem = re.search(r"-----BEGIN PUBLIC KEY-----(.*)-----END", text, re.DOTALL)
    if pem:
        der = base64.b64decode(pem[1])
        if der[:-32] != bytes.fromhex("302a300506032b6570032100"):
            raise ValueError("not an Ed25519 key")
        return der[-32:]
    return base64.b64decode(head_from(text)["public_key"])


def head_from(text):
    head = json.loads(text)
    head = head.get("head", head)
    for name in (*SIGNED, "public_key", "signature"):
        if not isinstance(head[name], int if name in ("first_id", "entries") else str):
            raise ValueError(f"{name} of a head is of another type")
    return head


def self_test():
    """Test vectors of RFC 8032, section 7.1: public key, message, signature."""
    for vector in (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a  e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d8"
        "73e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c 72 92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8f"
        "b3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025 af82 6291d657deec24024827e69c3abe01a30ce548a284743a"
        "445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
    ):
        key, message, signature = map(bytes.fromhex, vector.split(" "))
        assert is_signed(key, message, signature), vector
        assert not is_signed(key, message + b"x", signature), vector
        for bit in range(0, 512, 37):
            changed = (int.from_bytes(signature, "big") ^ 1 << bit).to_bytes(64, "big")
            assert not is_signed(key, message, changed), (vector, bit)
    print("the test vectors of RFC 8032 pass")


def main():
    parser = argparse.ArgumentParser(description="Verifies an export of a colony's ledger.")
    parser.add_argument("export", nargs="?", help="what GET /system/audit/export answered; - for standard input")
    parser.add_argument("--public-key", help="in base64, or a file with that, with PEM or with a head")
    parser.add_argument("--head", help="a file with a head that was noted earlier")
    parser.add_argument("--self-test", action="store_true", help="check the arithmetic with the vectors of RFC 8032")
    args = parser.parse_args()
    if args.self_test:
        return self_test()
    if args.export is None:
        parser.error("say which export")
    try:
        noted = head_from(open(args.head, encoding="utf8").read()) if args.head else None
        given = args.public_key
        if given and not re.fullmatch(r"[A-Za-z0-9+/]{43}=", given):
            given = open(given, encoding="utf8").read()
        key = key_from(given) if given else base64.b64decode(noted["public_key"]) if noted else None
        lines = sys.stdin.buffer if args.export == "-" else open(args.export, "rb")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as problem:
        parser.error(f"cannot be used: {problem!r}")
    try:
        if noted:
            try:
                check_head(noted, key)
            except (ValueError, Invalid) as problem:
                raise Invalid(f"the noted head {problem}") from None
        head = check_export(lines, key, noted)
    except Invalid as problem:
        print(f"INVALID: {problem}")
        return 1
    print(f"{'valid' if key else 'consistent'}: entries {head['first_id']} to {head['entries']} of colony {head['system_id']}")
    if key is None:
        print("NOTE: the only key at hand was the export's own. That shows that it agrees with itself, not who made it.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
