"""PyMISP and misp-stix as the oracle of the MISP bridge.

oracle.py generate DIR   writes events made with PyMISP, and what misp-stix makes of each
oracle.py compare DIR    holds what our program made of them against that; exit 1 when something differs

Needs the packages pymisp and misp-stix; with stix2-validator the STIX is validated as well.
"""

import json
import pathlib
import random
import re
import sys
import uuid

from misp_stix_converter import MISPtoSTIX21Parser
from pymisp import MISPAttribute, MISPEvent, MISPObject

SEEDS = range(4)

# A value of each type that both know. `{n}` makes it differ.
VALUES = {
    "ip-src": "198.51.100.{b}", "ip-dst": "2001:db8::{b}", "ip-src|port": "198.51.100.{b}|8080",
    "ip-dst|port": "203.0.113.{b}|443", "domain": "evil{n}.example", "domain|ip": "evil{n}.example|203.0.113.{b}",
    "hostname": "www.evil{n}.example", "hostname|port": "www.evil{n}.example|8443",
    "url": "http://evil{n}.example/a'b?x=%20", "uri": "/path/{n}", "link": "https://report.example/{n}",
    "md5": "{h32}", "sha1": "{h40}", "sha224": "{h56}", "sha256": "{h64}", "sha384": "{h96}", "sha512": "{h128}",
    "sha512/224": "{h56}", "sha512/256": "{h64}", "sha3-256": "{h64}",
    "ssdeep": "96:s4Ud1Lj96tHHlZDrwciQmA+4uy1I0G4HYuL8N3TzS8QsO/wqWXLcMSx:sF1LjEtHHlZDrJzrhuyZvHYm8tKp/RWO",
    "tlsh": "b2b3a1{h64}", "imphash": "{h32}", "pehash": "{h40}", "authentihash": "{h64}",
    "vhash": "115056655d15151138z66hz1021z55z66z3", "filename": "악성코드 {n}.exe", "filename|md5": "a{n}.exe|{h32}",
    "filename|sha1": "a|{h40}", "filename|sha256": "긴 이름 {n}.hwp|{h64}", "filename|imphash": "a|{h32}",
    "email": "a{n}@evil.example", "email-src": "s{n}@evil.example", "email-dst": "d{n}@victim.example",
    "email-subject": "Re: 회의 '{n}' \\", "email-attachment": "초청장{n}.hwp", "email-message-id": "<{n}@x.example>",
    "email-body": "hello {n}", "email-header": "X-{n}: y", "email-reply-to": "r{n}@evil.example",
    "email-x-mailer": "mailer {n}", "mutex": "Global\\{n}", "regkey": "HKEY_LOCAL_MACHINE\\Software\\{n}",
    "regkey|value": "HKEY_LOCAL_MACHINE\\Software\\{n}|v{n}", "AS": "AS6450{d}", "mac-address": "02:00:00:00:00:{x}",
    "user-agent": "UA/{n} 'x'", "http-method": "POST", "x509-fingerprint-md5": "{h32}",
    "x509-fingerprint-sha1": "{h40}", "x509-fingerprint-sha256": "{h64}", "vulnerability": "CVE-2026-{n}",
    "yara": "rule a{n} {{ condition: true }}", "sigma": "title: a{n}", "snort": "alert tcp any any -> any any (sid:{n};)",
    "comment": "a comment {n}\u202e", "text": "some text {n} \U0001f680", "other": "o{n}", "btc": "1BoatSLRHtKNngkdXEeobR76b53LETtpyT",
    "port": "80{d}", "size-in-bytes": "10{n}", "hex": "DEADBEEF", "campaign-name": "c{n}", "threat-actor": "TA{n}",
    "ja3-fingerprint-md5": "{h32}", "pattern-in-file": "abc{n}", "malware-sample": "m{n}.exe|{h32}", "attachment": "a{n}.txt",
    "windows-service-name": "svc{n}", "stix2-pattern": "[file:name = 'x{n}']", "cookie": "c={n}",
}

# Attributes of objects: relation, type, value.
OBJECTS = {
    "file": ("file", [("filename", "filename", "f{n}.exe"), ("md5", "md5", "{h32}"), ("sha256", "sha256", "{h64}"),
                      ("size-in-bytes", "size-in-bytes", "35{d}"), ("path", "text", "C:\\x{n}"), ("entropy", "float", "1.5")]),
    "domain-ip": ("network", [("domain", "domain", "evil{n}.example"), ("ip", "ip-dst", "203.0.113.{b}"),
                              ("hostname", "hostname", "h{n}.example")]),
    "ip-port": ("network", [("ip-dst", "ip-dst", "203.0.113.{b}"), ("dst-port", "port", "443")]),
    "network-connection": ("network", [("ip-src", "ip-src", "203.0.113.{b}"), ("ip-dst", "ip-dst", "198.51.100.{b}"),
                                       ("src-port", "port", "1{d}"), ("dst-port", "port", "443"),
                                       ("layer4-protocol", "text", "TCP")]),
    "url": ("network", [("url", "url", "http://e{n}.example/a"), ("domain", "domain", "e{n}.example")]),
    "email": ("network", [("from", "email-src", "a{n}@e.example"), ("to", "email-dst", "b{n}@v.example"),
                          ("subject", "email-subject", "s{n}"), ("message-id", "email-message-id", "<{n}@e.example>"),
                          ("x-mailer", "email-x-mailer", "M")]),
    "process": ("misc", [("pid", "text", "25{d}"), ("command-line", "text", "c -x {n}"), ("image", "filename", "i{n}.exe"),
                         ("parent-pid", "text", "210{d}")]),
    "registry-key": ("file", [("key", "regkey", "HKEY_LOCAL_MACHINE\\x{n}"), ("data", "text", "D{n}"),
                              ("data-type", "text", "REG_SZ"), ("name", "text", "N")]),
    "x509": ("network", [("issuer", "text", "I{n}"), ("subject", "text", "S"),
                         ("x509-fingerprint-md5", "x509-fingerprint-md5", "{h32}"), ("serial-number", "text", "01")]),
    "vulnerability": ("vulnerability", [("id", "vulnerability", "CVE-2026-{n}"), ("summary", "text", "S{n}")]),
    "attack-pattern": ("vulnerability", [("id", "text", "9"), ("name", "text", "Buffer {n}"), ("summary", "text", "S")]),
    "course-of-action": ("misc", [("name", "text", "Block {n}"), ("description", "text", "D")]),
    "asn": ("network", [("asn", "AS", "AS6664{d}"), ("description", "text", "D{n}")]),
    "mutex": ("misc", [("name", "mutex", "M{n}")]),
    "user-account": ("misc", [("username", "text", "u{n}"), ("user-id", "text", "i{n}")]),
    "directory": ("file", [("path", "text", "/x{n}")]),
    "person": ("misc", [("full-name", "full-name", "P{n}")]),
    "organization": ("misc", [("name", "text", "O{n}")]),
    "geolocation": ("misc", [("city", "text", "Seoul"), ("countrycode", "text", "KR")]),
    "yara": ("misc", [("yara", "yara", "rule a{n} {{ condition: true }}"), ("yara-rule-name", "text", "a{n}")]),
    "btc-transaction": ("financial", [("transaction-number", "text", "{n}")]),
}

GALAXIES = [
    ("mitre-attack-pattern", "Attack Pattern", "Spearphishing Attachment - T1566.001", {"external_id": ["T1566.001"]}),
    ("threat-actor", "Threat Actor", "Kimsuky", {"synonyms": ["Thallium", "김수키"]}),
    ("mitre-intrusion-set", "Intrusion Set", "Kimsuky - G0094", {"external_id": ["G0094"]}),
    ("mitre-malware", "Malware", "BabyShark - S0414", {"external_id": ["S0414"]}),
    ("mitre-tool", "Tool", "Mimikatz - S0002", {"external_id": ["S0002"]}),
    ("sector", "Sector", "Space", {}),
    ("mitre-course-of-action", "Course of Action", "Block - M1", {"external_id": ["M1"]}),
]

TAGS = ["tlp:white", "tlp:clear", "tlp:green", "tlp:amber", "tlp:amber+strict", "tlp:red", "PAP:AMBER",
        'admiralty-scale:source-reliability="b"', 'estimative-language:likelihood-probability="likely"', "우리 태그"]


def fresh(dice):
    return str(uuid.UUID(int=dice.getrandbits(128), version=4))


def filled(text, dice):
    digits = lambda count: "".join(dice.choice("0123456789abcdef") for _ in range(count))
    words = {"n": str(dice.randrange(1000, 9999)), "b": str(dice.randrange(1, 255)), "d": str(dice.randrange(10)),
             "x": digits(2)}
    words.update({f"h{size}": digits(size) for size in (32, 40, 56, 64, 96, 128)})
    # A backslash or brace of a value is no format of ours.
    return re.sub(r"\{(\w+)\}", lambda found: words[found[1]], text).replace("{{", "{").replace("}}", "}")


def attribute(kind, value, dice, **more):
    made = {"uuid": fresh(dice), "type": kind, "value": value, "to_ids": dice.random() < 0.6,
            "timestamp": str(dice.randrange(1_600_000_000, 1_700_000_000)), "distribution": dice.choice(["5", "5", "0", "1", "3"]),
            "comment": dice.choice(["", "c", "메모 \"x\""]), **more}
    if kind in ("malware-sample", "attachment"):
        made["data"] = "UEsDBAoAAAAAAA=="
    return made


def galaxy(dice):
    kind, name, value, meta = dice.choice(GALAXIES)
    tag = f'misp-galaxy:{kind}="{value}"'
    cluster = {"uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, value)), "type": kind, "value": value, "tag_name": tag,
               "description": f"About {value}", "meta": meta}
    return {"uuid": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)), "name": name, "type": kind, "description": name,
            "namespace": "misp", "version": "1", "GalaxyCluster": [cluster]}


def event(seed):
    dice = random.Random(seed)
    kinds = [kind for kind in VALUES for _ in range(2)]
    attributes = [attribute(kind, filled(VALUES[kind], dice), dice) for kind in kinds]
    for one in attributes:
        if dice.random() < 0.2:
            one["Tag"] = [{"name": name} for name in dice.sample(TAGS, 2)]
        if dice.random() < 0.1:
            organisation = {"uuid": fresh(dice), "name": "관측소"}
            one["Sighting"] = [{"uuid": fresh(dice), "type": str(kind), "source": "siem", "date_sighting": "1700000500",
                                "Organisation": organisation} for kind in (0, 1)]
        if dice.random() < 0.1:
            one["Galaxy"] = [galaxy(dice)]
    objects = []
    for name, (category, parts) in OBJECTS.items():
        made = [attribute(kind, filled(value, dice), dice, object_relation=relation, distribution="5")
                for relation, kind, value in parts]
        objects.append({"uuid": fresh(dice), "name": name, "meta-category": category, "timestamp": "1700000000",
                        "template_uuid": fresh(dice), "template_version": "1", "distribution": "5", "comment": "oc",
                        "Attribute": made})
    # A circle of references is allowed.
    for one, other in zip(objects[:4], objects[1:4] + objects[:1]):
        one["ObjectReference"] = [{"uuid": fresh(dice), "object_uuid": one["uuid"], "referenced_uuid": other["uuid"],
                                   "relationship_type": "connects-to", "timestamp": "1700000002"}]
    whole = {
        "uuid": fresh(dice), "info": f"사건 {seed} \"인용\" \\ \u2028", "date": "2026-03-10", "threat_level_id": "2", "analysis": "1",
        "published": seed % 2 == 0, "timestamp": "1700000100", "publish_timestamp": "1700000200" if seed % 2 == 0 else "0",
        "distribution": str(seed % 4), "Orgc": {"uuid": fresh(dice), "name": "KrCERT/CC"}, "Org": {"uuid": fresh(dice), "name": "x"},
        "Tag": [{"name": name} for name in dice.sample(TAGS, 3)], "Attribute": attributes, "Object": objects,
        "Galaxy": [galaxy(dice)], "EventReport": [{"uuid": fresh(dice), "name": "보고", "content": "# 제목\n", "timestamp": "1700000300",
                                                   "distribution": "5", "deleted": False}],
    }
    made = MISPEvent()
    made.from_dict(**whole)
    # PyMISP leaves out attributes whose value it does not take.
    return {"Event": json.loads(made.to_json())}


def generate(folder):
    for seed in SEEDS:
        made = event(seed)
        (folder / f"{seed}.json").write_text(json.dumps(made, ensure_ascii=False, indent=1), encoding="utf-8")
        parser = MISPtoSTIX21Parser()
        parser.parse_misp_event(json.loads(json.dumps(made)))
        (folder / f"{seed}.theirs.json").write_text(parser.bundle.serialize(), encoding="utf-8")


def by_id(path):
    return {one["id"]: one for one in json.loads(path.read_text(encoding="utf-8"))["objects"]}


# Objects of which misp-stix makes something else on purpose, or nothing; each is told in docs/guide/misp.md.
SKIPPED = ("relationship", "marking-definition", "opinion", "sighting", "x-misp")


def spelled(pattern):
    """One spelling of a pattern: numbers in quotes or not, any element or the first, with the type of a reference or not."""
    pattern = re.sub(r"network-traffic:(src|dst)_ref\.type = '[a-z0-9-]+' AND ", "", pattern)
    pattern = re.sub(r"= (\d+)\b", r"= '\1'", pattern).replace("[0]", "[*]")
    pattern = pattern.replace("domain-name:x_misp_hostname", "domain-name:value").replace("ISSUBSET", "=").replace("values.data", "values[*].data")
    pattern = pattern.replace("received_lines =", "received_lines[*] =")
    pattern = pattern.replace("additional_header_fields.'Reply-To'", "additional_header_fields.reply_to")
    pattern = pattern.replace("additional_header_fields.'X-Mailer'", "additional_header_fields.x_mailer")
    inner = pattern.strip("[]").replace("(", "").replace(")", "")
    return sorted(inner.split(" AND "))


def compare(folder):
    problems, counts = [], {"events": 0, "objects": 0, "patterns": 0, "valid": 0, "attributes": 0}
    for seed in SEEDS:
        counts["events"] += 1
        ours, theirs = by_id(folder / f"{seed}.ours.stix.json"), by_id(folder / f"{seed}.theirs.json")
        source = json.loads((folder / f"{seed}.json").read_text(encoding="utf-8"))["Event"]
        known = {one["uuid"]: one["type"] for one in source["Attribute"]}
        known.update({one["uuid"]: one["name"] for one in source["Object"]})
        parts = {part["uuid"] for one in source["Object"] for part in one["Attribute"]}
        for their_id, their in theirs.items():
            kind, stem = their_id.split("--")
            if kind.startswith(SKIPPED):
                continue
            # An identity of a sighting: they name it by the name, we by its UUID where it has one.
            if kind == "identity" and stem not in known and their["name"] == "관측소":
                continue
            our = ours.get(their_id)
            what = f"seed {seed}: {known.get(stem, '?')}: {their_id}"
            # Of several names of one `domain-ip` they make an object each; we keep them together.
            if kind == "domain-name" and stem in parts:
                continue
            # A path alone is no URI, which a `url` of STIX must be: it is a pattern only, or an object of ours.
            if known.get(stem) == "uri" and kind != "indicator":
                continue
            if our is None:
                problems.append(f"{what}: we have none")
                continue
            counts["objects"] += 1
            # Rules are no patterns of STIX: they put them in brackets. A sample's bytes are no pattern of ours.
            if kind == "indicator" and our["pattern_type"] == "stix" and known.get(stem) not in ("malware-sample", "attachment", "hostname|port"):
                counts["patterns"] += 1
                if spelled(our["pattern"]) != spelled(their["pattern"]):
                    problems.append(f"{what}: {our['pattern']} is not {their['pattern']}")
            for name in ("value", "hashes", "subject", "message_id", "dst_port", "src_port", "number", "name", "created"):
                # A cluster has no time of its own: each place that it is attached to has another.
                if "misp:galaxy-type" not in str(their.get("labels")) and kind not in ("grouping", "report") and name in their and our.get(name) != their[name]:
                    problems.append(f"{what}: {name}: {our.get(name)!r} is not {their[name]!r}")
        counts["valid"] += validated(folder / f"{seed}.ours.stix.json", problems)
        # What we write loads in PyMISP and is what was read.
        again, before = MISPEvent(), MISPEvent()
        again.load_file(str(folder / f"{seed}.ours.misp.json"))
        before.load_file(str(folder / f"{seed}.json"))
        counts["attributes"] += same(json.loads(before.to_json()), json.loads(again.to_json()), f"seed {seed}", problems)
        # And so does what came back from STIX.
        back = MISPEvent()
        back.load_file(str(folder / f"{seed}.back.misp.json"))
        values = {(one.uuid, one.type, one.value, one.to_ids) for one in back.attributes}
        for one in before.attributes:
            if (one.uuid, one.type, one.value, one.to_ids) not in values:
                problems.append(f"seed {seed}: {one.type} {one.value!r} to_ids {one.to_ids} did not come back from STIX")
        for one in before.objects:
            found = [other for other in back.objects if other.uuid == one.uuid and other.name == one.name]
            values = {(part.object_relation, part.value) for other in found for part in other.attributes}
            for part in one.attributes:
                value = str(part.value).lower() if part.object_relation.startswith("layer") else part.value
                if (part.object_relation, value) not in values:
                    problems.append(f"seed {seed}: {one.name}.{part.object_relation} {part.value!r} did not come back from STIX")
    print(", ".join(f"{count} {name}" for name, count in counts.items()))
    for problem in problems[:60]:
        print(problem)
    print(f"{len(problems)} differences")
    return 1 if problems else 0


def same(before, after, what, problems, path=""):
    """Whether all that was there is there; numbers of servers are left out. How many values were looked at."""
    if isinstance(before, dict):
        looked = 0
        for key, value in before.items():
            if key in ("id", "event_id", "object_id", "org_id", "orgc_id", "sharing_group_id", "attribute_count"):
                continue
            if key not in after:
                if value not in (None, "", [], False):
                    problems.append(f"{what}: {path}.{key} is lost")
            else:
                looked += same(value, after[key], what, problems, f"{path}.{key}")
        return looked
    if isinstance(before, list):
        if len(before) != len(after):
            problems.append(f"{what}: {path}: {len(after)} of {len(before)}")
        return sum(same(one, other, what, problems, f"{path}[]") for one, other in zip(before, after))
    if str(before) != str(after):
        problems.append(f"{what}: {path}: {after!r} is not {before!r}")
    return 1


def validated(path, problems):
    try:
        from stix2validator import ValidationOptions, validate_file
    except ImportError:
        return 0
    found = validate_file(str(path), ValidationOptions(version="2.1"))
    if not found.is_valid:
        errors = [str(error) for one in found.object_results for error in (one.errors or [])]
        problems.extend(f"{path.name}: stix2-validator: {error}" for error in errors[:10])
    return int(found.is_valid)


if __name__ == "__main__":
    at = pathlib.Path(sys.argv[2])
    sys.exit(generate(at) if sys.argv[1] == "generate" else compare(at))
