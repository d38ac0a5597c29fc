"""A small Terraform provider for LAC orders on the `tf` framework: one resource, one call per order.

An order is adopted by `create`, because LAC licences are sold before they are managed. Terraform reads every
resource on its own, so a list call cannot serve a plan.
"""

import http.client
import json
import threading
from urllib.parse import urlsplit

from tf import runner, schema, types
from tf.iface import Provider, Resource

TEXT = ["license_type", "licensee_type", "description", "settings_description"]
NUMBERS = ["hostid_match_rate", "min_hostids", "activations_allowed", "deactivations_allowed"]
FLAGS = ["enabled", "removal"]
LISTS = {"hostids": "Hostids", "features": "Features"}
IDS = ["customer_id", "product_template_id"]
LOCAL = threading.local()


class Order(Resource):
    def __init__(self, provider):
        self.provider = provider

    @classmethod
    def get_name(cls):
        return "order"

    @classmethod
    def get_schema(cls):
        required = lambda name, kind: schema.Attribute(name, kind, required=True)
        attributes = [required("activation_key", types.String())]
        attributes += [required(name, types.String()) for name in TEXT]
        attributes += [required(name, types.Number()) for name in NUMBERS + IDS]
        attributes += [required(name, types.Bool()) for name in FLAGS]
        attributes += [required(name, types.NormalizedJson()) for name in LISTS]
        return schema.Schema(version=1, attributes=attributes)

    def live(self, current):
        [order] = self.provider.call("GET", f"/license-orders?activation_key={current['activation_key']}")
        return self.state(order, current)

    def state(self, order, current):
        state = {"activation_key": order["activation_key"]}
        for name in TEXT + FLAGS:
            state[name] = order[name]
        for name in NUMBERS:
            state[name] = int(order[name])
        for name in IDS:
            # No read returns them.
            state[name] = current[name]
        for name, wire in LISTS.items():
            state[name] = aligned(json_of(current[name]), order[wire])
        return state

    def create(self, ctx, planned):
        return self.update(ctx, None, planned)

    def read(self, ctx, current):
        return self.live(current)

    def update(self, ctx, current, planned):
        if current is None and self.live(planned) == planned:
            return planned
        body = {name: planned[name] for name in TEXT + NUMBERS + FLAGS + IDS}
        for name, wire in LISTS.items():
            body[wire] = json_of(planned[name])
        order = self.provider.call("PATCH", f"/license-orders/{planned['activation_key']}", body)
        return self.state(order, planned)

    def delete(self, ctx, current):
        raise RuntimeError("orders are not deleted")


def json_of(value):
    return json.loads(value) if isinstance(value, str) else value


def aligned(wanted, live):
    """The live list with the members that are managed, in the spelling of the configuration."""
    result = []
    for at, item in enumerate(live):
        pattern = wanted[at] if at < len(wanted) else item
        shown = {}
        for name, value in pattern.items():
            other = item.get(name)
            if isinstance(value, int) and not isinstance(value, bool) and other is not None:
                other = int(other)
            elif isinstance(value, str) and isinstance(other, str) and value.lower() == other.lower():
                other = value
            shown[name] = other
        result.append(shown)
    return result


class Lac(Provider):
    def __init__(self):
        self.config = {}

    def get_model_prefix(self):
        return "lac_"

    def get_provider_schema(self, diags):
        attribute = lambda name: schema.Attribute(name, types.String(), required=True)
        return schema.Schema(attributes=[attribute("base"), attribute("token")])

    def full_name(self):
        return "bench.local/entitle/lac"

    def validate_config(self, diags, config):
        pass

    def configure_provider(self, diags, config):
        self.config = config

    def get_data_sources(self):
        return []

    def get_resources(self):
        return [Order]

    def new_resource(self, kind):
        return kind(self)

    def call(self, method, target, body=None):
        sent = None if body is None else json.dumps(body)
        for last in (False, True):
            try:
                status, text = self.exchange(method, target, sent)
                break
            except (OSError, http.client.HTTPException):
                # A connection that was kept alive may be gone; once more on a new one.
                LOCAL.connection = None
                if last:
                    raise
        if status >= 300:
            raise RuntimeError(f"{method} {target}: {status} {text[:200]!r}")
        return json.loads(text)

    def exchange(self, method, target, sent):
        base = urlsplit(self.config["base"])
        # One connection for each thread of the framework, kept alive.
        connection = getattr(LOCAL, "connection", None)
        if connection is None:
            connection = LOCAL.connection = http.client.HTTPConnection(base.hostname, base.port, timeout=30)
        headers = {"Authorization": f"Bearer {self.config['token']}", "Content-Type": "application/json"}
        connection.request(method, base.path + target, body=sent, headers=headers)
        reply = connection.getresponse()
        return reply.status, reply.read()


if __name__ == "__main__":
    runner.run_provider(Lac())
