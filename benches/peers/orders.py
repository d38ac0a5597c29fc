"""What every peer needs of LAC: manifests, live orders, and whether they agree.

Written as a careful user would write it for one kind of object: read all manifests, compare each managed field.
`customer_id` is left out, since no read of LAC returns it; entitle proves it by further calls.
"""

import os

import yaml

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
UNREADABLE = {"customer_id", "product_template_id"}
KEYS = {"Hostids": ("name",), "Features": ("name", "version")}


def manifests(path):
    """Every order under a path, as (name, activation key, desired fields)."""
    files = []
    if os.path.isfile(path):
        files.append(path)
    else:
        for folder, _, names in os.walk(path):
            files += [os.path.join(folder, name) for name in names if name.endswith(".yaml")]
    for file in files:
        with open(file, "rb") as stream:
            for document in yaml.load_all(stream, Loader=LOADER):
                if document["kind"] == "LacLicenseOrder":
                    spec = document["spec"]
                    yield document["metadata"]["name"], spec["activationKey"], spec["desired"]


def same(wanted, live):
    """Whether a live value, in which integers are strings, is the wanted one."""
    if isinstance(wanted, bool) or wanted is None or live is None:
        return wanted is live
    if isinstance(wanted, int):
        return str(wanted) == str(live)
    return wanted == live


def listed(wanted, live, key):
    """Whether a keyed list has the wanted elements, and no others."""
    spelled = lambda item: tuple(str(item[name]).casefold() for name in key)
    found = {spelled(item): item for item in live}
    if len(found) != len(wanted):
        return False
    for item in wanted:
        other = found.get(spelled(item))
        if other is None:
            return False
        if not all(name in key or same(value, other.get(name)) for name, value in item.items()):
            return False
    return True


def differs(desired, live):
    for name, value in desired.items():
        if name in UNREADABLE:
            continue
        if name in KEYS:
            if not listed(value, live[name], KEYS[name]):
                return True
        elif not same(value, live.get(name)):
            return True
    return False


def report(changed, in_sync, missing=()):
    """The answer that the benchmark checks."""
    for name in sorted(changed):
        print("changed", name)
    for name in sorted(missing):
        print("missing", name)
    print("in sync", in_sync)
