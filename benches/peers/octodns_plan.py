"""octoDNS's plan engine over licence orders: an order is a TXT record whose values are its fields.

    octodns_plan.py BASE_URL TOKEN PATH

octoDNS reads its sources and providers one after the other, so the list pages are read in sequence as well.
"""

import json
import logging
import os
import sys
import tempfile
import urllib.request

from octodns.manager import Manager
from octodns.provider.base import BaseProvider
from octodns.record import Record
from octodns.source.base import BaseSource

import orders

ZONE = "orders.bench.test."
CHANGED = []


def text(value):
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)


def values(fields, managed):
    """The managed fields as `path=value`; integers are text, since LAC returns them so."""
    found = []
    for name, wanted in managed.items():
        if name in orders.UNREADABLE:
            continue
        if name not in orders.KEYS:
            found.append(f"{name}={text(fields.get(name))}")
            continue
        members = sorted({member for item in wanted for member in item})
        for item in fields[name]:
            key = " ".join(str(item[part]).casefold() for part in orders.KEYS[name])
            for member in members:
                if member not in orders.KEYS[name]:
                    found.append(f"{name}[{key}].{member}={text(item.get(member))}")
    return found


def record(zone, name, fields, source):
    data = {"type": "TXT", "ttl": 60, "values": [one.replace(";", "\\;") for one in fields]}
    return Record.new(zone, name, data, source=source, lenient=True)


class Manifests(BaseSource):
    SUPPORTS = {"TXT"}
    SUPPORTS_GEO = False

    def __init__(self, id, path):
        self.log = logging.getLogger("Manifests")
        super().__init__(id)
        self.wanted = {key.lower(): (name, desired) for name, key, desired in orders.manifests(path)}
        MANAGED.update(self.wanted)

    def populate(self, zone, target=False, lenient=False):
        for key, (_, desired) in self.wanted.items():
            zone.add_record(record(zone, key, values(desired, desired), self), lenient=True)


class Lac(BaseProvider):
    SUPPORTS = {"TXT"}
    SUPPORTS_GEO = False

    def __init__(self, id, base, token):
        self.log = logging.getLogger("Lac")
        super().__init__(id)
        self.base, self.token = base, token

    def page(self, offset):
        request = urllib.request.Request(
            f"{self.base}/license-orders?offset={offset}", headers={"Authorization": f"Bearer {self.token}"}
        )
        with urllib.request.urlopen(request) as reply:
            return json.load(reply)

    def populate(self, zone, target=False, lenient=False):
        offset = 0
        while page := self.page(offset):
            offset += len(page)
            for order in page:
                managed = MANAGED.get(order["activation_key"].lower())
                # What no manifest names is not ours: octoDNS would plan to delete it.
                if managed:
                    fields = values(order, managed[1])
                    zone.add_record(record(zone, order["activation_key"].lower(), fields, self), lenient=True)
        return offset > 0

    def _apply(self, plan):
        raise RuntimeError("this benchmark only plans")

    def plan(self, desired, processors=[], lenient=False):
        plan = super().plan(desired, processors=processors, lenient=lenient)
        CHANGED.extend(plan.changes if plan else [])
        return plan


MANAGED = {}


def main():
    base, token, path = sys.argv[1:]
    config = {
        "manager": {"max_workers": 1, "plan_outputs": {}},
        "providers": {
            "manifests": {"class": "octodns_plan.Manifests", "path": path},
            "lac": {"class": "octodns_plan.Lac", "base": base, "token": token},
        },
        "zones": {ZONE: {"sources": ["manifests"], "targets": ["lac"], "lenient": True}},
    }
    with tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "config.yaml")
        with open(file, "w") as stream:
            # JSON is YAML.
            json.dump(config, stream)
        Manager(file).sync(dry_run=True)
    names = [MANAGED[change.record.name][0] for change in CHANGED]
    orders.report(names, len(MANAGED) - len(names))


if __name__ == "__main__":
    # The classes are named by this module in the configuration; run as a script it is `__main__`.
    import octodns_plan

    octodns_plan.main()
