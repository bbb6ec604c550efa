"""OASIS' own clients against a node of ours: taxii2-client and the TAXII collections of stix2.

    python bench/peers/taxii_clients.py BUNDLE.json [OBJECTS]

BUNDLE is a STIX 2.1 bundle, say ATT&CK; the first OBJECTS of it (300) are added, read, listed, filtered and deleted. `BONGSU` names the
program, else it is the release build. Needs bench/peers/taxii-requirements.txt.
"""

import json
import sys

from taxii_node import Node, program


def set_up(run):
    run("account", "add", "sensor", "--password-file", "-", text="correct horse\n")
    run("collection", "add", "Everything", "--read", "sensor", "--write", "sensor")


def checks(url, objects):
    from stix2 import Filter, TAXIICollectionStore
    from taxii2client.v21 import Server, as_pages

    server = Server(f"{url}/taxii2/", user="sensor", password="correct horse")
    yield "discovery has a title and roots", server.title and server.api_roots
    root = server.default or server.api_roots[0]
    yield "the root speaks TAXII 2.1", any("2.1" in version for version in root.versions)
    yield "the root says how much it takes", root.max_content_length > 0
    collection = next(one for one in root.collections if one.can_read and one.can_write)
    status = collection.add_objects({"objects": objects}, wait_for_completion=True)
    yield "all is added", (status.status, status.failure_count) == ("complete", 0)
    yield "the status is kept", root.get_status(status.id).total_count == len(objects)
    ids, found, listed = {one["id"] for one in objects}, {}, []
    for page in as_pages(collection.get_objects, per_request=50):
        found.update((one["id"], one) for one in page.get("objects", []))
    yield "pages give every object", ids <= set(found)
    yield "objects are unchanged", all(found.get(one["id"]) == one for one in objects)
    for page in as_pages(collection.get_manifest, per_request=50):
        listed += page.get("objects", [])
    yield "the manifest has every object", ids <= {one["id"] for one in listed}
    added = [one["date_added"] for one in listed]
    yield "the manifest is in order", added == sorted(added)
    kind, last = objects[0]["type"], objects[-1]["id"]
    of_kind = collection.get_objects(type=kind).get("objects", [])
    yield "match[type]", of_kind and all(one["type"] == kind for one in of_kind)
    yield "one object by its id", [one["id"] for one in collection.get_object(last)["objects"]] == [last]
    yield "its versions", len(collection.object_versions(last).get("versions", [])) == 1
    store = TAXIICollectionStore(collection)
    yield "stix2 gets an object", store.source.get(objects[1]["id"]) is not None
    yield "stix2 queries by type", len(store.source.query([Filter("type", "=", kind)])) > 0
    collection.delete_object(last)
    yield "a deleted object is gone", not collection.get_objects(id=last).get("objects")


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    with open(sys.argv[1]) as bundle:
        objects = json.load(bundle)["objects"][: int(sys.argv[2]) if len(sys.argv) > 2 else 300]
    node = Node(program(), set_up)
    passed = failed = 0
    try:
        for name, holds in checks(node.url, objects):
            print(f"{'ok' if holds else 'FAILED':6} {name}")
            passed, failed = passed + bool(holds), failed + (not holds)
    finally:
        node.close()
    print(f"{passed} passed, {failed} failed")
    raise SystemExit(failed > 0)


if __name__ == "__main__":
    main()
