#!/usr/bin/env python3
"""Checks a Bongsu evidence bundle, or a proof of fraud, without Bongsu.

Written from docs/reference/bundle.md and the public specifications that it names (RFC 6962, RFC 8032, RFC 8785, DSSE,
C2SP signed-note, tlog-checkpoint, tlog-cosignature, tlog-proof, tlog-policy). Needs Python 3.9 and the package
`cryptography` (Debian: python3-cryptography).

    python3 verify_bundle.py FILE [--key HEX] [--policy FILE] [--require national|joint]

Exit 0: right. 1: wrong. 2: cannot be read. One JSON document on standard output says what was found.
"""

import argparse
import base64
import datetime
import hashlib
import json
import math
import os
import re
import struct
import sys
import zlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

MAX_BUNDLE = 1 << 31
MAX_FILES = 1 << 20
MANY_FILES = 0xFFFF
MAX_ENTRY = 1 << 20
MAX_NOTE = 1_000_000
MAX_POLICY = 1 << 20
MAX_FRAUD = 4 << 20
MAX_LEAVES = 1 << 62
HASH = re.compile(r"[0-9a-f]{64}")
NODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
COUNTRY = re.compile(r"[A-Z]{3}")
LANES = "(flash|immediate|priority|routine)"
ROLES = ["exporter", "author", "witness"]
GRADES = ["none", "national", "joint"]


class Wrong(Exception):
    """The first thing that does not hold."""

    def __init__(self, code, source, message):
        super().__init__(message)
        self.code, self.source, self.message = code, source, message


class Unsound(Exception):
    """A part has not the form that it must have."""


def need(holds, message):
    if not holds:
        raise Unsound(message)


# Ed25519 (RFC 8032), strictly.

P = 2**255 - 19
D = -121665 * pow(121666, P - 2, P) % P
SMALL_Y = {0, 1, P - 1}
for _text in ("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
              "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"):
    SMALL_Y.add(int.from_bytes(bytes.fromhex(_text), "little") & (2**255 - 1))


def y_of(point):
    return (int.from_bytes(point, "little") & (2**255 - 1)) % P


def is_usable_key(key):
    """On the curve, and not of small order."""
    y = y_of(key)
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    return y not in SMALL_Y and (x2 == 0 or pow(x2, (P - 1) // 2, P) == 1)


def signed(key, message, signature):
    if len(signature) != 64 or y_of(signature[:32]) in SMALL_Y:
        return False
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
        return True
    except (InvalidSignature, ValueError):
        return False


# Texts, numbers, JSON.

def public_key(text):
    need(isinstance(text, str) and HASH.fullmatch(text), "a key is not 64 lower-case hexadecimal digits")
    key = bytes.fromhex(text)
    need(is_usable_key(key), "a key is no usable Ed25519 public key")
    return key


def unbase64(text, length=None):
    need(isinstance(text, str), "base64 is wanted")
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except ValueError as error:
        raise Unsound("it is not base64") from error
    need(base64.b64encode(data).decode() == text, "base64 has a second spelling")
    need(length is None or len(data) == length, f"{length} bytes are wanted")
    return data


def decimal(text):
    need(re.fullmatch(r"0|[1-9][0-9]{0,19}", text, re.ASCII) and int(text) < 2**64, "not a decimal number")
    return int(text)


def number(value):
    """RFC 8785: a number as ECMAScript prints it."""
    value = float(value)
    need(math.isfinite(value), "a number is not finite")
    if value == 0:
        return "0"
    sign = "-" if value < 0 else ""
    mantissa, exponent = repr(abs(value)), 0
    if "e" in mantissa:
        mantissa, _, power = mantissa.partition("e")
        exponent = int(power)
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + exponent - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if len(digits) <= point <= 21:
        return sign + digits + "0" * (point - len(digits))
    if 0 < point <= 21:
        return sign + digits[:point] + "." + digits[point:]
    if -6 < point <= 0:
        return sign + "0." + "0" * -point + digits
    rest = "." + digits[1:] if len(digits) > 1 else ""
    return f"{sign}{digits[0]}{rest}e{point - 1:+d}"


def canonical(value, depth=0):
    # 127 levels, as the common readers of JSON have it.
    need(depth < 127 or not isinstance(value, (dict, list)), "JSON is nested too deep")
    if isinstance(value, dict):
        keys = sorted(value, key=lambda key: key.encode("utf-16-be"))
        return "{" + ",".join(string(key) + ":" + canonical(value[key], depth + 1) for key in keys) + "}"
    if isinstance(value, list):
        return "[" + ",".join(canonical(item, depth + 1) for item in value) + "]"
    if isinstance(value, str):
        return string(value)
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return number(value)


def string(text):
    return json.dumps(text, ensure_ascii=False)


def line(value):
    return (canonical(value) + "\n").encode("utf-8")


def refuse_constant(text):
    raise Unsound(f"{text} is no JSON")


def load(data):
    """A JSON document that is its own canonical form."""
    try:
        value = json.loads(data.decode("utf-8"), parse_constant=refuse_constant)
        again = canonical(value).encode("utf-8")
    except (ValueError, RecursionError, OverflowError) as error:
        raise Unsound(f"no JSON: {error}") from error
    need(again == data, "it differs from its canonical form (RFC 8785)")
    return value


def fields(value, *names, optional=()):
    need(isinstance(value, dict), "an object is wanted")
    need(set(names) <= set(value) <= set(names) | set(optional), f"the fields must be {', '.join(names)}")
    return [value[name] for name in names]


def matches(pattern, value, what):
    need(isinstance(value, str) and pattern.fullmatch(value), f"{what} has not the right form")
    return value


def count(value, what):
    need(isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**64, f"{what} is no count")
    return value


TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt](\d\d:\d\d):(\d\d)(\.\d{1,9})?([Zz]|[+-]00:00)", re.ASCII)


def time(value):
    """RFC 3339 in UTC, in the one spelling that is derived from it."""
    found = TIME.fullmatch(value) if isinstance(value, str) else None
    need(found, "a time is not RFC 3339 in UTC")
    day, minute, second, fraction, _ = found.groups()
    try:
        moment = datetime.datetime.fromisoformat(f"{day}T{minute}:{second}")
    except ValueError as error:
        raise Unsound("a time is no date and time of day") from error
    need(1677 < moment.year < 2262, "a time is beyond what 64 bits of nanoseconds hold")
    fraction = (fraction or "").rstrip("0")
    return f"{day}T{minute}:{second}{fraction if len(fraction) > 1 else ''}Z"


def pae(kind, payload):
    """DSSE v1 pre-authentication encoding."""
    return f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload


# Merkle trees (RFC 6962).

def node_hash(left, right):
    return hashlib.sha256(b"\x01" + left + right).digest()


def included(path, size, root, index, leaf):
    """RFC 9162, 2.1.3.2."""
    if index >= size or size > MAX_LEAVES or len(path) > 64:
        return False
    place, last, seen = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if place & 1 or place == last:
            seen = node_hash(sibling, seen)
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            seen = node_hash(seen, sibling)
        place, last = place >> 1, last >> 1
    return last == 0 and seen == root


# Signed notes, checkpoints, verifier keys (C2SP).

def is_key_name(name):
    return bool(name) and not any(c.isspace() or c == "+" or c < " " for c in name)


class Note:
    def __init__(self, data):
        need(len(data) <= MAX_NOTE, "the note is too large")
        try:
            text = data.decode("utf-8")
        except UnicodeDecodeError as error:
            raise Unsound("the note is no UTF-8") from error
        need(not any(c < " " and c != "\n" for c in text), "the note has control characters")
        cut = text.rfind("\n\n")
        need(cut >= 0 and text.endswith("\n"), "the note has no signatures")
        self.text = text[:cut + 1]
        lines = text[cut + 2:-1].split("\n")
        need(len(lines) <= 100, "the note has more than 100 signatures")
        self.lines = []
        for one in lines:
            parts = one.split(" ")
            need(len(parts) == 3 and parts[0] == "\u2014" and is_key_name(parts[1]), "a signature line is malformed")
            data = unbase64(parts[2])
            need(len(data) >= 5, "a signature is too short")
            self.lines.append((parts[1], data[:4], data[4:]))


class Checkpoint(Note):
    def __init__(self, data):
        super().__init__(data)
        parts = self.text[:-1].split("\n")
        need(len(parts) == 3 and parts[0], "a checkpoint has the lines origin, size and root, and no other")
        self.data, self.origin = data, parts[0]
        self.size, self.root = decimal(parts[1]), unbase64(parts[2], 32)


WRONG = -1


class Key:
    """A verifier key: 1 signs a log, 4 cosigns with a time."""

    def __init__(self, name, use, key):
        self.name, self.use, self.key = name, use, key
        self.id = hashlib.sha256(name.encode() + b"\n" + bytes([use]) + key).digest()[:4]

    @classmethod
    def parse(cls, text):
        parts = text.split("+", 2) if isinstance(text, str) else []
        need(len(parts) == 3 and is_key_name(parts[0]), "not a verifier key")
        need(re.fullmatch(r"[0-9a-f]{8}", parts[1], re.ASCII), "not a verifier key")
        data = unbase64(parts[2])
        need(data and data[0] in (1, 4), "a signature type that is not known here")
        need(len(data) == 33 and is_usable_key(data[1:]), "no usable Ed25519 public key")
        key = cls(parts[0], data[0], data[1:])
        need(key.id.hex() == parts[1], "the key id is not that of name and key")
        return key

    def is_of_log(self, origin):
        parts = origin.split("/", 2)
        of_node = len(parts) == 3 and parts[0] == "bongsu" and parts[1] == self.name
        return self.use == 1 and (self.name == origin or of_node)

    def look_at(self, note):
        """None: no line of this key. WRONG: one that is wrong. Else the time of the cosignature, 0 of a log."""
        seen = None
        for name, key_id, signature in note.lines:
            if name != self.name or key_id != self.id:
                continue
            stamp, message = 0, note.text.encode()
            if self.use == 4:
                stamp, signature = int.from_bytes(signature[:8], "big"), signature[8:]
                message = f"cosignature/v1\ntime {stamp}\n".encode() + message
                if not 0 < stamp < 2**63:
                    return WRONG
            if not signed(self.key, message, signature):
                return WRONG
            seen = stamp if seen is None else min(seen, stamp)
        return seen


# Policy (C2SP tlog-policy).

class Policy:
    def __init__(self, data):
        need(len(data) <= MAX_POLICY, "the policy is too large")
        self.logs, self.witnesses, self.groups, self.quorum = [], {}, {}, ()
        self.members, self.national = set(), set()
        for at, row in enumerate(data.split(b"\n"), 1):
            try:
                self.row(row)
            except Unsound as error:
                raise Unsound(f"line {at}: {error}") from error
        need(self.quorum != (), "there is no quorum line")

    def row(self, row):
        need(not any(c < 32 and c != 9 or c == 127 for c in row), "control characters")
        words = [word for word in re.split(rb"[ \t]+", row) if word]
        if not words or words[0].startswith(b"#"):
            return
        keyword, rest = words[0], words[1:]
        if keyword == b"log" and len(rest) in (1, 2):
            key = self.key(rest[0], 1)
            need(all(key.key != other.key for other in self.logs), "a log stands twice")
            self.logs.append(key)
        elif keyword == b"witness" and len(rest) in (2, 3):
            key = self.key(rest[1], 4)
            self.new(rest[0])
            need(all(key.key != other.key for other in self.witnesses.values()), "a witness stands twice")
            self.witnesses[rest[0]] = key
        elif keyword == b"group" and len(rest) >= 3:
            self.group(rest[0], rest[1], rest[2:])
        elif keyword == b"quorum" and len(rest) == 1:
            need(self.quorum == (), "a second quorum line")
            need(rest[0] == b"none" or self.defined(rest[0]), "the quorum is not defined")
            self.quorum = None if rest[0] == b"none" else rest[0]
        else:
            raise Unsound("no line of a policy")
        need(len(self.logs) + len(self.witnesses) + len(self.groups) <= 4096, "too many names")

    @staticmethod
    def key(word, use):
        try:
            key = Key.parse(word.decode("utf-8"))
        except UnicodeDecodeError as error:
            raise Unsound("not a verifier key") from error
        need(key.use == use, "a key of the other use")
        return key

    def defined(self, name):
        return name in self.witnesses or name in self.groups

    def new(self, name):
        need(name != b"none" and not self.defined(name), "the name is taken")

    def group(self, name, threshold, members):
        self.new(name)
        nation = bool(re.fullmatch(rb"[A-Z]{2}", name))
        for member in members:
            need(self.defined(member), "a member is not defined before")
            need(member not in self.members, "a member stands in two groups")
            self.members.add(member)
        nested = any(member in self.national for member in members)
        need(not (nested and nation), "a national group within another")
        if nested or nation:
            self.national.add(name)
        if threshold in (b"all", b"any"):
            wanted = len(members) if threshold == b"all" else 1
        else:
            need(re.fullmatch(rb"[0-9]{1,10}", threshold), "no threshold")
            wanted = int(threshold)
        need(1 <= wanted <= len(members), "the threshold is beyond the members")
        self.groups[name] = (wanted, members)

    def judge(self, checkpoint):
        """Whether the quorum holds, and which nations do."""
        seen = [log.look_at(checkpoint) for log in self.logs if log.is_of_log(checkpoint.origin)]
        need(WRONG not in seen, "a log's signature does not hold")
        need(not self.logs or any(value is not None for value in seen), "no log of the policy signed it")
        holding = set()
        for name, witness in self.witnesses.items():
            stamp = witness.look_at(checkpoint)
            need(stamp != WRONG, "a witness's signature does not hold")
            if stamp is not None:
                holding.add(name)
        for name, (wanted, members) in self.groups.items():
            if sum(member in holding for member in members) >= wanted:
                holding.add(name)
        nations = {name.decode() for name in self.groups if re.fullmatch(rb"[A-Z]{2}", name) and name in holding}
        return self.quorum is None or self.quorum in holding, nations


# The archive: a zip in one spelling.

def archive(data):
    if len(data) > MAX_BUNDLE:
        raise Wrong("bundle::too_large", None, "the file is larger than a bundle may be")
    members, at = [], 0
    while data[at:at + 4] == b"PK\x03\x04":
        if len(data) < at + 30:
            raise Wrong("bundle::bad_archive", None, "the archive ends within a header")
        size, length = struct.unpack_from("<I", data, at + 18)[0], struct.unpack_from("<H", data, at + 26)[0]
        start = at + 30 + length
        try:
            name = data[at + 30:start].decode("utf-8")
        except UnicodeDecodeError:
            name = None
        if name is None or start + size > len(data) or len(members) == MAX_FILES:
            raise Wrong("bundle::bad_archive", None, f"the file at byte {at} cannot be read")
        members.append((name, data[start:start + size]))
        at = start + size
    if not members:
        raise Wrong("bundle::not_an_archive", None, "it does not start with a file of a zip archive")
    names = set()
    for name, _ in members:
        if name in names:
            raise Wrong("bundle::duplicate_name", name, "two files have this name")
        names.add(name)
    compare(data, members)
    return members


def compare(data, members):
    """Writes the archive again, piece by piece, and compares."""
    at, directory = 0, bytearray()
    for name, content in members:
        encoded = name.encode("utf-8")
        crc = zlib.crc32(content)
        common = struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 0x21, crc, len(content), len(content), len(encoded), 0)
        header = b"PK\x03\x04" + common + encoded
        if data[at:at + len(header)] != header:
            if data[at + 14:at + 18] != header[14:18] and data[at:at + 14] == header[:14]:
                raise Wrong("bundle::bad_crc", name, "its bytes do not have their checksum")
            raise Wrong("bundle::bad_archive", None, f"the header at byte {at} is not in the form of a bundle")
        directory += (b"PK\x01\x02" + struct.pack("<H", 0x030A) + common + bytes(6)
                      + struct.pack("<II", 0o100644 << 16, at) + encoded)
        at += len(header) + len(content)
    end, shown = b"", min(len(members), MANY_FILES)
    if len(members) >= MANY_FILES:
        end = struct.pack("<4sQHHIIQQQQ", b"PK\x06\x06", 44, 0x032D, 45, 0, 0, len(members), len(members), len(directory), at)
        end += struct.pack("<4sIQI", b"PK\x06\x07", 0, at + len(directory), 1)
    end += struct.pack("<4sHHHHIIH", b"PK\x05\x06", 0, 0, shown, shown, len(directory), at, 0)
    if data[at:] != directory + end:
        raise Wrong("bundle::bad_archive", None, "the archive was packed again or changed")


# The bundle.

class Bundle:
    def __init__(self, data, key, policy, require):
        self.key, self.policy, self.require = key, policy, require
        self.found = {"evidence": None, "quorum": None, "nations": [], "key_known": False}
        self.stage = ("bundle::bad_manifest", "manifest.json")
        self.data = data

    def at(self, code, source):
        self.stage = (code, source)

    def check(self):
        try:
            self.steps()
        except Unsound as error:
            raise Wrong(*self.stage, str(error)) from error

    def steps(self):
        members = archive(self.data)
        need([name for name, _ in members[:2]] == ["manifest.json", "manifest.sig"], "the first two files are others")
        self.check_manifest(members[0][1], members[1][1])
        self.check_files(members[2:])
        if self.key is not None:
            self.at("bundle::other_key", "manifest.json")
            need(self.exporter == self.key, "the exporter has another key")
            self.found["key_known"] = True
        self.check_keys()
        self.at("bundle::bad_policy", "quorum.policy")
        self.bundled = Policy(self.files["quorum.policy"]) if "quorum.policy" in self.files else None
        self.check_checkpoints()
        self.entries = [None if item["withdrawn"] else self.read_item(item["id"]) for item in self.items]
        for item in self.items:
            self.check_proof(item)
        self.check_blobs()
        self.check_derived()
        self.check_policy()

    def check_manifest(self, manifest, signature):
        value = load(manifest)
        schema = value.get("schema") if isinstance(value, dict) else None
        if schema != "bongsu.bundle/2":
            self.at("bundle::unknown_schema", "manifest.json")
            raise Unsound("only bongsu.bundle/2 is known")
        names = ["schema", "software", "exporter", "audience", "exported", "logs", "items", "files"]
        _, software, exporter, audience, exported, logs, items, files = fields(value, *names)
        name, version, digest = fields(software, "name", "version", "sha256")
        need(isinstance(name, str) and isinstance(version, str), "the software has no name")
        node, country, key = fields(exporter, "node", "country", "key")
        matches(NODE, node, "a node's name"), matches(COUNTRY, country, "a country")
        self.exporter = public_key(key)
        self.found["exporter"], self.found["key"] = node, key
        if audience is not None:
            matches(NODE, audience, "the audience")
        if exported is not None:
            value["exported"] = time(exported)
        for row in (logs, items, files):
            need(isinstance(row, list), "a list is wanted")
        for row in logs:
            origin, size = fields(row, "origin", "size")
            need(isinstance(origin, str), "an origin is no text")
            count(size, "a size")
        for row in items:
            entry, log, index, received, withdrawn = fields(row, "id", "log", "index", "received", "withdrawn")
            matches(HASH, entry, "an id"), count(log, "a log"), count(index, "an index")
            need(isinstance(withdrawn, bool), "withdrawn is no truth value")
            if received is not None:
                row["received"] = time(received)
        for row in files:
            path, size, sha256 = fields(row, "path", "bytes", "sha256")
            need(isinstance(path, str) and isinstance(sha256, str), "a file has no path or hash")
            count(size, "a size")
        self.at("bundle::bad_manifest_signature", "manifest.sig")
        keyid, kind, sig = fields(load(signature), "keyid", "payloadType", "sig")
        need(kind == "application/vnd.bongsu.bundle-manifest+json" and keyid == key, "of another type or key")
        need(signed(self.exporter, pae(kind, manifest), unbase64(sig, 64)), "the signature does not hold")
        self.at("bundle::bad_manifest", "manifest.json")
        need(digest is None or isinstance(digest, str) and HASH.fullmatch(digest), "software.sha256 is no hash")
        need(logs and len({row["origin"] for row in logs}) == len(logs), "no log, or one twice")
        last = (-1, -1)
        for row in items:
            need(row["log"] < len(logs) and row["index"] < logs[row["log"]]["size"], "an item lies beyond its log")
            need(last < (row["log"], row["index"]), "the items do not stand in order")
            last = (row["log"], row["index"])
        need(len({row["id"] for row in items}) == len(items), "an item stands twice")
        paths = [row["path"].encode("utf-8") for row in files]
        need(all(a < b for a, b in zip(paths, paths[1:])), "the files do not stand in order")
        self.manifest, self.logs, self.items, self.rows = value, logs, items, files

    def check_files(self, members):
        listed, there = {row["path"] for row in self.rows}, {name for name, _ in members}
        for name in sorted(there - listed):
            raise Wrong("bundle::unknown_file", name, "the manifest does not list it")
        for name in sorted(listed - there):
            raise Wrong("bundle::missing_file", name, "the manifest lists it, it is not there")
        for (name, content), row in zip(members, self.rows):
            if name != row["path"]:
                raise Wrong("bundle::bad_archive", name, "the files do not stand in the order of the manifest")
            if len(content) != row["bytes"] or hashlib.sha256(content).hexdigest() != row["sha256"]:
                raise Wrong("bundle::bad_hash", name, "its bytes do not have the hash of the manifest")
        self.files = dict(members)
        wanted = {"keys.json", "labels.ndjson", "custody.ndjson", "prov.jsonld", "summary.html"}
        wanted |= {f"checkpoints/{log}.txt" for log in range(len(self.logs))}
        wanted |= {f"proofs/{item['id']}.tlog-proof" for item in self.items}
        wanted |= {f"items/{item['id']}.json" for item in self.items if not item["withdrawn"]}
        for name in sorted(wanted - there):
            raise Wrong("bundle::missing_file", name, "it belongs into the bundle")
        for name in sorted(there - wanted - {"quorum.policy"}):
            if not name.startswith("blobs/"):
                raise Wrong("bundle::unknown_file", name, "no such file belongs into a bundle")

    def check_keys(self):
        self.at("bundle::bad_keys", "keys.json")
        document = load(self.files["keys.json"])
        schema, keys = fields(document, "schema", "keys")
        if schema != "bongsu.bundle-keys/1":
            self.at("bundle::unknown_schema", "keys.json")
            raise Unsound("only bongsu.bundle-keys/1 is known")
        need(isinstance(keys, list), "a list of keys is wanted")
        order, self.authors, self.witnesses = [], set(), []
        for row in keys:
            role, node, country, key = fields(row, "role", "node", "country", "key")
            need(role in ROLES, "a role that is not known")
            matches(NODE, node, "a node's name"), matches(COUNTRY, country, "a country")
            order.append((ROLES.index(role), node, country, key))
            if role == "witness":
                self.witnesses.append(Key(node, 4, public_key(key)))
            else:
                public_key(key)
                self.authors.add((node, country, key))
        need(all(a < b for a, b in zip(order, order[1:])), "the keys do not stand in order")
        exporter = self.manifest["exporter"]
        wanted = [(0, exporter["node"], exporter["country"], exporter["key"])]
        need([row for row in order if row[0] == 0] == wanted, "the exporter is another than in the manifest")

    def check_checkpoints(self):
        node, peer = self.manifest["exporter"]["node"], self.manifest["audience"]
        own = Key(node, 1, self.exporter)
        cosigners = list(self.witnesses)
        for policy in (self.bundled, self.policy):
            cosigners += policy.witnesses.values() if policy else []
        self.checkpoints = []
        for at, row in enumerate(self.logs):
            source = f"checkpoints/{at}.txt"
            self.at("bundle::bad_checkpoint", source)
            checkpoint = Checkpoint(self.files[source])
            need((checkpoint.origin, checkpoint.size) == (row["origin"], row["size"]), "not that of the manifest")
            form = rf"bongsu/{node}/home" if peer is None else rf"bongsu/{node}/to/{peer}/{LANES}"
            need(re.fullmatch(form, checkpoint.origin), "of a log that does not belong into this bundle")
            need(own.look_at(checkpoint) == 0, "the exporter did not sign it")
            for cosigner in cosigners:
                stamp = cosigner.look_at(checkpoint)
                if stamp == WRONG:
                    raise Wrong("bundle::bad_cosignature", source, f"the cosignature of {cosigner.name} is wrong")
                need((stamp or 0) * 10**9 < 2**63, "a cosignature is of a time beyond the year 2262")
            self.checkpoints.append(checkpoint)

    def read_item(self, entry_id):
        source = f"items/{entry_id}.json"
        self.at("bundle::bad_item", source)
        payload64, kind, signatures = fields(load(self.files[source]), "payload", "payloadType", "signatures")
        need(kind == "application/vnd.bongsu.entry+json", "not the envelope of an entry")
        need(isinstance(signatures, list) and len(signatures) == 1, "exactly one signature is wanted")
        keyid, sig = fields(signatures[0], "keyid", "sig")
        key, payload = public_key(keyid), unbase64(payload64)
        need(len(payload) <= MAX_ENTRY, "the entry is too large")
        need(signed(key, pae(kind, payload), unbase64(sig, 64)), "the signature does not hold")
        schema, author, moment, salt, body = fields(load(payload), "schema", "author", "time", "salt", "body")
        need(schema == "bongsu.entry/1", "only bongsu.entry/1 is known")
        need(isinstance(salt, str) and re.fullmatch(r"[0-9a-fA-F]{32}", salt), "the salt is not 32 digits")
        node, country, fingerprint = fields(author, "node", "country", "key")
        matches(NODE, node, "a node's name"), matches(COUNTRY, country, "a country")
        need(fingerprint == hashlib.sha256(key).hexdigest(), "the author's key is not the one that signed")
        need(isinstance(body, dict) and isinstance(body.get("schema"), str) and body["schema"], "no body")
        evidence = body.get("evidence", [])
        need(isinstance(evidence, list), "evidence is no list")
        for one in evidence:
            matches(HASH, one, "an id of evidence")
        need(hashlib.sha256(payload).hexdigest() == entry_id, "it has another hash")
        if (node, country, keyid) not in self.authors:
            raise Wrong("bundle::other_author", source, "keys.json has no such author with this key")
        return {"id": entry_id, "node": node, "country": country, "key": keyid, "time": time(moment),
                "kind": body["schema"], "body": body, "evidence": evidence}

    def check_proof(self, item):
        source = f"proofs/{item['id']}.tlog-proof"
        self.at("bundle::bad_proof", source)
        head, _, note = self.files[source].partition(b"\n\n")
        checkpoint = self.checkpoints[item["log"]]
        need(note == checkpoint.data, "under another checkpoint")
        rows = head.decode("ascii", "replace").split("\n")
        need(rows[:2] == ["c2sp.org/tlog-proof@v1", f"index {item['index']}"], "no tlog-proof for this place")
        path = [unbase64(row, 32) for row in rows[2:]]
        leaf = hashlib.sha256(b"\0" + bytes.fromhex(item["id"])).digest()
        holds = included(path, checkpoint.size, checkpoint.root, item["index"], leaf)
        need(holds, "the entry is not at this place of the log")

    def check_blobs(self):
        named = set()
        for entry in filter(None, self.entries):
            blob = hash_in(entry, "bongsu.observation/1", "blob")
            if blob:
                named.add(f"blobs/{blob}")
                if f"blobs/{blob}" not in self.files and bytes.fromhex(entry["key"]) == self.exporter:
                    raise Wrong("bundle::missing_file", f"blobs/{blob}", "raw bytes of an observation")
        for name in sorted(self.files):
            if name.startswith("blobs/"):
                if name not in named:
                    raise Wrong("bundle::unknown_file", name, "no observation names these bytes")
                if hashlib.sha256(self.files[name]).hexdigest() != name[6:]:
                    raise Wrong("bundle::bad_hash", name, "the bytes do not have the hash that names them")

    def check_derived(self):
        for name, wanted in (("labels.ndjson", self.labels()), ("custody.ndjson", self.custody()),
                             ("prov.jsonld", self.provenance())):
            if self.files[name] != wanted:
                raise Wrong("bundle::not_derived", name, "it is not what the entries say")

    def labels(self):
        return b"".join(line({"id": entry["id"], "kind": entry["kind"], "marking": entry["body"].get("marking")})
                        for entry in filter(None, self.entries))

    def custody(self):
        exporter, events, programs = self.manifest["exporter"], [], {}

        def event(who, what, when, why=None, tool=None, result=None):
            events.append(line({"who": who, "what": what, "when": when, "why": why, "with": tool, "result": result}))

        for item, entry in zip(self.items, self.entries):
            if entry is None:
                continue
            body = entry["body"]
            source, method = body.get("source"), body.get("method")
            why = text_in(body, "reason")
            why = text_in(source, "name") if why is None else why
            worker = (item["log"], entry["key"])
            programs[worker] = program_in(entry) or programs.get(worker)
            tool = programs[worker]
            if text_in(method, "name") is not None and text_in(method, "version") is not None:
                tool = {"name": method["name"], "version": method["version"], "sha256": tool and tool["sha256"]}
            stated = ("title", "blob", "target", "severity", "confidence")
            result = {field: body[field] for field in stated if text_in(body, field) is not None}
            who = {"node": entry["node"], "country": entry["country"], "key": entry["key"]}
            event(who, {"act": "signed", "entry": entry["id"], "kind": entry["kind"]}, entry["time"], why, tool, result)
            if item["received"] is not None:
                event(exporter, {"act": "received", "entry": entry["id"], "kind": entry["kind"]}, item["received"])
        if self.manifest["exported"] is not None:
            event(exporter, {"act": "exported", "items": len(self.items)}, self.manifest["exported"],
                  self.manifest["audience"], self.manifest["software"], {"logs": self.logs})
        return b"".join(events)

    def provenance(self):
        graph, known = [], {self.manifest["exporter"]["key"]: self.manifest["exporter"]["node"]}
        for entry in filter(None, self.entries):
            known[entry["key"]] = entry["node"]
            by = {"@id": f"urn:bongsu:key:{entry['key']}"}
            used = [{"@id": f"urn:bongsu:entry:{one}"} for one in entry["evidence"]]
            activity = {"@id": f"urn:bongsu:signing:{entry['id']}"}
            made = {"@id": f"urn:bongsu:entry:{entry['id']}", "@type": "prov:Entity", "bongsu:kind": entry["kind"],
                    "prov:wasAttributedTo": by, "prov:wasGeneratedBy": activity, "prov:wasDerivedFrom": used}
            blob = hash_in(entry, "bongsu.observation/1", "blob")
            if blob:
                made["prov:hadPrimarySource"] = {"@id": f"urn:sha256:{blob}"}
            moment = {"@type": "xsd:dateTime", "@value": entry["time"]}
            graph += [made, {"@id": activity["@id"], "@type": "prov:Activity", "prov:endedAtTime": moment,
                             "prov:used": used, "prov:wasAssociatedWith": by}]
            target = hash_in(entry, "bongsu.recall/1", "target")
            if target:
                graph.append({"@id": f"urn:bongsu:entry:{target}", "prov:wasInvalidatedBy": activity})
        for key in sorted(known):
            graph.append({"@id": f"urn:bongsu:key:{key}", "@type": "prov:Organization", "bongsu:node": known[key]})
        context = {"bongsu": "urn:bongsu:", "prov": "http://www.w3.org/ns/prov#",
                   "xsd": "http://www.w3.org/2001/XMLSchema#"}
        return canonical({"@context": context, "@graph": graph}).encode("utf-8")

    def check_policy(self):
        if self.policy is None:
            self.at("bundle::no_quorum", "manifest.json")
            need(self.require is None, "a grade is required, but no policy was given")
            return
        quorum, nations = True, None
        for at, checkpoint in enumerate(self.checkpoints):
            self.at("bundle::policy_refused", f"checkpoints/{at}.txt")
            holds, seen = self.policy.judge(checkpoint)
            quorum, nations = quorum and holds, seen if nations is None else nations & seen
        grade = "none" if not nations else "joint" if quorum and len(nations) > 1 else "national"
        known = self.found["key_known"] or bool(self.policy.logs)
        self.found.update(evidence=grade, quorum=quorum, nations=sorted(nations), key_known=known)
        self.at("bundle::no_quorum", "checkpoints/0.txt")
        if self.require is not None:
            need(GRADES.index(grade) >= GRADES.index(self.require), f"{self.require} evidence is required")
        else:
            need(quorum or grade != "none", "the cosignatures are not those that the policy wants")


def text_in(value, field):
    found = value.get(field) if isinstance(value, dict) else None
    return found if isinstance(found, str) else None


def program_in(entry):
    """The program that an entry names."""
    body = entry["body"]
    name = "bongsu" if entry["kind"] == "bongsu.genesis/1" else text_in(body, "name")
    if entry["kind"] not in ("bongsu.genesis/1", "bongsu.program/1") or None in (name, text_in(body, "version")):
        return None
    return {"name": name, "version": body["version"], "sha256": hash_in(entry, "bongsu.program/1", "sha256")}


def hash_in(entry, kind, field):
    found = text_in(entry["body"], field)
    return found if entry["kind"] == kind and found and HASH.fullmatch(found) else None


# Proofs of fraud.

def check_fraud(data):
    code = "fraud::malformed"
    try:
        need(len(data) <= MAX_FRAUD, "too large")
        proof = load(data)
        extra = ["witness", "fork"]
        schema, kind, log, first, second = fields(proof, "schema", "kind", "log", "first", "second", optional=extra)
        need(schema == "bongsu.fraud-proof/1", "only bongsu.fraud-proof/1 is known")
        wanted = {"split_view": set(), "fork": {"fork"}, "rewind": {"witness"}}.get(kind)
        need(wanted is not None and isinstance(first, str) and isinstance(second, str), "a kind that is not known")
        key = Key.parse(log)
        witness = Key.parse(proof["witness"]) if "witness" in proof else None
        places = fork_places(proof["fork"]) if "fork" in proof else None
        trees = [Checkpoint(note.encode("utf-8")) for note in (first, second)]
        code = "fraud::not_signed"
        for tree in trees:
            need(key.is_of_log(tree.origin) and key.look_at(tree) == 0, "the log did not sign a checkpoint")
        code = "fraud::no_contradiction"
        need(trees[0].origin == trees[1].origin, "they are of different logs")
        code = "fraud::malformed"
        need(set(proof) & set(extra) == wanted, "fields of another kind")
        if kind == "rewind":
            need(witness.use == 4, "the witness's key is not that of a cosigner")
            code = "fraud::not_signed"
            stamps = [witness.look_at(tree) for tree in trees]
            need(WRONG not in stamps and None not in stamps, "the witness did not cosign a checkpoint")
        code = "fraud::no_contradiction"
        if kind == "split_view":
            need(trees[0].size == trees[1].size and trees[0].root != trees[1].root, "no two roots of one size")
        elif kind == "rewind":
            need(trees[0].size > trees[1].size and stamps[0] < stamps[1], "the smaller was not cosigned later")
        else:
            index, leaves = places
            need(leaves[0][0] != leaves[1][0], "the same entry stands at the place in both")
            for tree, (leaf, path) in zip(trees, leaves):
                need(included(path, tree.size, tree.root, index, leaf), "an inclusion proof does not hold")
        return {"kind": kind, "origin": trees[0].origin, "log": log}
    except (Unsound, UnicodeEncodeError) as error:
        raise Wrong(code, None, str(error)) from error


def fork_places(value):
    index, *leaves = fields(value, "index", "first", "second")
    count(index, "an index")
    places = []
    for one in leaves:
        leaf, path = fields(one, "leaf", "path")
        need(isinstance(path, list), "a path is no list")
        hashes = [bytes.fromhex(matches(HASH, text, "a hash")) for text in [leaf, *path]]
        places.append((hashes[0], hashes[1:]))
    return index, places


def main(arguments=None):
    parser = argparse.ArgumentParser(description="Checks a Bongsu evidence bundle or proof of fraud.")
    parser.add_argument("file")
    parser.add_argument("--key", help="the exporter's Ed25519 key, 64 hexadecimal digits")
    parser.add_argument("--policy", help="a policy in the form of C2SP tlog-policy")
    parser.add_argument("--require", choices=["national", "joint"])
    options = parser.parse_args(arguments)
    try:
        key = public_key(options.key) if options.key else None
        policy = None
        if options.policy:
            with open(options.policy, "rb") as file:
                policy = Policy(file.read())
        if os.path.getsize(options.file) > MAX_BUNDLE:
            raise Unsound("the file is larger than a bundle may be")
        with open(options.file, "rb") as file:
            data = file.read()
    except (OSError, Unsound) as error:
        print(json.dumps({"ok": False, "error": str(error)}))
        return 2
    found, first = {}, None
    try:
        if data[:1] == b"{":
            found = check_fraud(data)
        else:
            bundle = Bundle(data, key, policy, options.require)
            found = bundle.found
            bundle.check()
    except Wrong as wrong:
        first = {"code": wrong.code, "source": wrong.source, "message": wrong.message}
    print(json.dumps({"ok": first is None, **found, "first": first}, ensure_ascii=False))
    return 0 if first is None else 1


if __name__ == "__main__":
    sys.exit(main())
