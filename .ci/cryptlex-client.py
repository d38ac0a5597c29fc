"""Reads and writes licenses in the sandbox by cryptlex-python-sdk 1.0.3, and holds what it sees against what `entitle`
plans and writes. The client was generated from the vendor's API description of 2022 and shares nothing with us."""

import datetime, enum, json, os, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request

from cryptlex_web_api_client import AuthenticatedClient
from cryptlex_web_api_client.api.licenses import (
    deletev3licensesid,
    getv3licenses,
    getv3licensesid,
    patchv3licensesid,
)
from cryptlex_web_api_client.models.http_error_response_dto import HttpErrorResponseDto
from cryptlex_web_api_client.models.license_update_request_model import LicenseUpdateRequestModel
from cryptlex_web_api_client.types import Unset

PROGRAM = os.path.abspath(os.environ.get("ENTITLE_PROGRAM", "target/debug/entitle"))
LICENSE = "5d0e3c52-8a44-4b6f-9d0f-6a1f0e9b7a01"
LIMIT = 20  # seconds for the sandbox to answer


def check(holds, what):
    if not holds:
        sys.exit(f"cryptlex-client: {what}")


def fetch(url, body=None, token=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=5) as reply:
        return json.loads(reply.read() or "null")


def start_sandbox():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    sandbox = subprocess.Popen([PROGRAM, "sandbox", "--listen", f"127.0.0.1:{port}"], stdout=subprocess.DEVNULL)
    end = time.monotonic() + LIMIT
    while time.monotonic() < end:
        try:
            fetch(f"http://127.0.0.1:{port}/_sandbox")
            return sandbox, f"http://127.0.0.1:{port}"
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
    sandbox.kill()
    sys.exit(f"cryptlex-client: no sandbox within {LIMIT} s")


class Project:
    """A directory with a manifest of one license."""

    def __init__(self, base, token):
        self.dir = tempfile.TemporaryDirectory()
        self.token = token
        auth = {"token": {"env": "CRYPTLEX_TOKEN"}}
        self.write("connection", "Connection", "cryptlex", {"vendor": "cryptlex", "baseUrl": base, "auth": auth})

    def write(self, file, kind, name, spec):
        document = {"apiVersion": "entitle.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": spec}
        with open(os.path.join(self.dir.name, f"{file}.yaml"), "w") as out:
            json.dump(document, out)

    def license(self, **spec):
        self.write("license", "CryptlexLicense", "license", {"licenseId": LICENSE, **spec})

    def run(self, *arguments):
        environment = {"CRYPTLEX_TOKEN": self.token, "HOME": self.dir.name, "XDG_STATE_HOME": self.dir.name}
        command = [PROGRAM, *arguments]
        return subprocess.run(command, cwd=self.dir.name, env=environment, capture_output=True, text=True, timeout=30)

    def apply(self, *arguments):
        ran = self.run("apply", ".", "--auto-approve", *arguments)
        check(ran.returncode == 0, f"apply: {ran.stdout}{ran.stderr}")

    def changes(self):
        """What a plan would change, by path: before and after."""
        ran = self.run("plan", ".", "--format", "json")
        check(ran.stdout.startswith("{"), f"plan: {ran.stdout}{ran.stderr}")
        changes = [change for one in json.loads(ran.stdout)["objects"] for change in one.get("changes", [])]
        return {change["path"]: (change["before"], change["after"]) for change in changes}


def shown(value):
    """What the client keeps of a reply, in the names of the API. Its own `to_dict` fails on a license without a reseller."""
    if hasattr(value, "__attrs_attrs__"):
        fields = {field.name: getattr(value, field.name) for field in value.__attrs_attrs__}
        camel = lambda name: "".join(part.title() if at else part for at, part in enumerate(name.split("_")))
        return {camel(name): shown(inner) for name, inner in fields.items() if not isinstance(inner, Unset)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    return [shown(item) for item in value] if isinstance(value, list) else value


def known_alike(shown, sent):
    """Every member that the client kept is as the simulator sent it; instants have another notation."""
    for name, value in shown.items():
        check(name in sent, f"the client has `{name}`, which was not sent")
        if isinstance(value, dict):
            known_alike(value, sent[name])
        elif isinstance(value, list) and value and isinstance(value[0], dict):
            check(len(value) == len(sent[name]), f"`{name}` has another length")
            for one, other in zip(value, sent[name]):
                known_alike(one, other)
        elif name.endswith("At") and value:
            check(value[:19] == sent[name][:19], f"`{name}` is {value}, not {sent[name]}")
        else:
            check(value == sent[name], f"`{name}` is {value}, not {sent[name]}")


def read(client, base, token):
    """Every license is read by the client as it was sent, alone and in the list."""
    listed = getv3licenses.sync_detailed(client=client, limit=100)
    check(listed.status_code == 200, f"the list answered {listed.status_code}")
    raw = {one["id"]: one for one in fetch(f"{base}/v3/licenses?limit=100", token=token)}
    check(len(raw) > 1 and [one.id for one in listed.parsed] == list(raw), "the list has other licenses")
    for one in listed.parsed:
        known_alike(shown(one), raw[one.id])
        alone = getv3licensesid.sync(one.id, client=client)
        check(shown(alone) == shown(one), f"license {one.id} alone is another one")
        check(len(shown(one)) > 25, "hardly any member was read")
    suspended = getv3licenses.sync(client=client, limit=100, suspended=True)
    check([one.id for one in suspended] == [id for id, one in raw.items() if one["suspended"]], "filtered by suspended")
    missing = getv3licensesid.sync_detailed("nobodys-license", client=client)
    check(missing.status_code == 404, f"a missing license answered {missing.status_code}")
    check(isinstance(missing.parsed, HttpErrorResponseDto) and missing.parsed.message, "an error without a message")
    other = AuthenticatedClient(base_url=base, token="another")
    check(getv3licenses.sync_detailed(client=other).status_code == 401, "a token that is none was accepted")


def write(client, project):
    """What we write, the client reads; what it writes, we see; and the other members stay."""
    before = shown(getv3licensesid.sync(LICENSE, client=client))
    project.license(desired={"allowedActivations": 91, "notes": "by entitle", "expiresAt": "2031-02-03T04:05:06Z"})
    check(set(project.changes()) == {"allowedActivations", "notes", "expiresAt"}, "the plan has other changes")
    project.apply()
    after = getv3licensesid.sync(LICENSE, client=client)
    seen = (after.allowed_activations, after.notes, after.expires_at.isoformat())
    check(seen == (91, "by entitle", "2031-02-03T04:05:06+00:00"), f"the client reads {seen}")
    ours = {"allowedActivations", "notes", "expiresAt", "updatedAt"}
    moved = {name for name, value in shown(after).items() if value != before[name]}
    check(moved <= ours, f"entitle moved {moved - ours}")
    check(project.changes() == {}, "a second plan has changes")

    body = LicenseUpdateRequestModel(allowed_activations=95, notes="by another client", suspended=True)
    patched = patchv3licensesid.sync_detailed(LICENSE, client=client, json_body=body)
    check(patched.status_code == 200 and patched.parsed.allowed_activations == 95, f"the client's PATCH: {patched}")
    found = project.changes()
    check(found == {"allowedActivations": (95, 91), "notes": ("by another client", "by entitle")}, f"the plan: {found}")
    refused = LicenseUpdateRequestModel(allowed_activations=-2)
    refused = patchv3licensesid.sync_detailed(LICENSE, client=client, json_body=refused)
    check(refused.status_code == 400 and refused.parsed.message, f"-2 activations answered {refused.status_code}")


def remove(client, project):
    """What the client deletes is gone for us, and what we remove is gone for it."""
    other = next(one.id for one in getv3licenses.sync(client=client, limit=100) if one.id != LICENSE)
    gone = deletev3licensesid.sync_detailed(other, client=client)
    check(gone.status_code == 204 and not gone.content, f"the client's DELETE answered {gone.status_code}")
    project.write("other", "CryptlexLicense", "other", {"licenseId": other, "desired": {"notes": "x"}})
    ran = project.run("plan", ".", "--format", "json")
    actions = {one["address"]: one["action"] for one in json.loads(ran.stdout)["objects"]}
    check(actions["CryptlexLicense/other"] == "missing", f"the deleted license is {actions}")
    os.remove(os.path.join(project.dir.name, "other.yaml"))
    project.license(state="absent")
    project.apply("--allow", "destroy")
    check(getv3licensesid.sync_detailed(LICENSE, client=client).status_code == 404, "the removed license is there")


def main():
    sandbox, address = start_sandbox()
    try:
        credentials = fetch(f"{address}/_sandbox")
        check("cryptlex" in json.dumps(credentials), "no simulator of Cryptlex")
        # The client takes null for a reseller and not for a user; no page says what is sent.
        fetch(f"{address}/_sandbox/switches/cryptlex", {"absent_user": "omit"})
        base, token = f"{address}/cryptlex", "sandbox-token"
        client = AuthenticatedClient(base_url=base, token=token, timeout=10)
        project = Project(base, token)
        read(client, base, token)
        write(client, project)
        remove(client, project)
        print("cryptlex-client: cryptlex-python-sdk 1.0.3 and entitle agree")
    finally:
        sandbox.terminate()
        sandbox.wait()


main()
