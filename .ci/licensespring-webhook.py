"""Signs deliveries by licensespring 4.0.0, sends them to `entitle watch`, and holds what the hook answers against what the
package says of the same header. The simulator sends no webhooks, so the other way round the package judges the signature
that our own test has."""

import contextlib, json, os, re, socket, subprocess, sys, tempfile, time, urllib.error, urllib.request

from licensespring.webhook import Webhook, WebhookSignature
from licensespring.webhook.error import SignatureVerificationError

PROGRAM = os.path.abspath(os.environ.get("ENTITLE_PROGRAM", "target/debug/entitle"))
SECRET = "hook-word"
LIMIT = 20  # seconds for a server to answer
LICENSE = 1593781720493290  # of the sandbox


def check(holds, what):
    if not holds:
        sys.exit(f"licensespring-webhook: {what}")


def post(url, body, headers):
    """The status of a POST; the hook's word on a delivery is nothing else."""
    request = urllib.request.Request(url, body.encode(), {"content-type": "application/json"} | headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:
            return reply.status
    except urllib.error.HTTPError as refused:
        return refused.code


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(arguments, url, **options):
    """The program, once `url` answers."""
    log = tempfile.TemporaryFile()
    process = subprocess.Popen([PROGRAM, *arguments], stdout=log, stderr=log, **options)
    try:
        end = time.monotonic() + LIMIT
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                if process.poll() is not None or time.monotonic() > end:
                    log.seek(0)
                    sys.exit(f"licensespring-webhook: {arguments[0]} does not answer: {log.read().decode()}")
                time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait()


def write_project(directory, base):
    def write(file, kind, spec):
        document = {"apiVersion": "entitle.dev/v1", "kind": kind, "metadata": {"name": file}, "spec": spec}
        with open(os.path.join(directory, f"{file}.yaml"), "w") as out:
            json.dump(document, out)

    secrets = {"auth": {"apiKey": {"env": "LICENSESPRING_API_KEY"}}, "webhookSecret": {"env": "HOOK"}}
    write("licensespring", "Connection", {"vendor": "licensespring", "baseUrl": base} | secrets)
    write("license", "LicenseSpringLicense", {"licenseId": LICENSE, "desired": {"note": "by entitle"}})


def event(number):
    """An event of a license; each is another delivery."""
    return json.dumps({"event": "license.updated", "number": number, "data": {"license": {"id": LICENSE}}})


def signed(body, at, secret=SECRET):
    """The header of the package for a body, signed at that second."""
    code = WebhookSignature.compute_signature(f"{at}.{body}", secret)
    return f"t={at},v1={code}"


def accepts(body, header):
    """Whether the package takes a delivery, as its users ask it."""
    try:
        return Webhook.get_event(body, header, SECRET) == json.loads(body)
    except SignatureVerificationError:
        return False


def deliveries(now):
    """What is sent: a name, a body, its header, and whether it is to be taken."""
    plain, code = event(1), lambda body: signed(body, now).split("v1=")[1]
    yield "as the package signs", plain, signed(plain, now), True
    accents = json.dumps({"note": "é “ü” 雪", "data": {"license": {"id": LICENSE}}}, ensure_ascii=False)
    yield "beyond ASCII", accents, signed(accents, now), True
    yield "four minutes old", event(2), signed(event(2), now - 240), True
    yield "six minutes old", event(3), signed(event(3), now - 360), False
    yield "a minute ahead", event(4), signed(event(4), now + 60), True
    rolled = f"t={now},v1={'00' * 32},v1={code(event(5))}"
    yield "by the older secret and the newer", event(5), rolled, True
    yield "with a scheme of the future", event(6), f"t={now},v1={code(event(6))},v2=x", True
    yield "by another secret", event(7), signed(event(7), now, "another"), False
    yield "of another body", event(8), signed(event(9), now), False
    moved = signed(event(10), now).replace(f"t={now}", f"t={now + 1}")
    yield "with another time", event(10), moved, False
    yield "cut short", event(11), signed(event(11), now)[:-1], False
    yield "only by another scheme", event(12), f"t={now},v0={code(event(12))}", False
    yield "without a signature", event(13), f"t={now}", False
    yield "without a time", event(14), f"v1={code(event(14))}", False
    yield "with a time that is none", event(15), f"t=now,v1={code(event(15))}", False
    yield "empty", event(16), "", False


def judge_deliveries(url):
    """The package and the hook say the same of every delivery."""
    for name, body, header, good in deliveries(int(time.time())):
        check(accepts(body, header) == good, f"the package on a delivery {name}: {not good}")
        status = post(url, body, {"LicenseSpring-Signature": header})
        check(status == (202 if good else 403), f"the hook on a delivery {name}: {status}")


def judge_the_future(url):
    """The package has no bound ahead of its clock. Ours is half an hour: what was taken is remembered for one."""
    now = int(time.time())
    for ahead, status in [(1_500, 202), (2_100, 403)]:
        body = event(100 + ahead)
        header = signed(body, now + ahead)
        check(accepts(body, header), f"the package refuses {ahead} s ahead")
        answered = post(url, body, {"LicenseSpring-Signature": header})
        check(answered == status, f"the hook on {ahead} s ahead: {answered}")


def judge_our_own_vector():
    """The signature that our unit test takes for good is good for the package."""
    with open("src/provider/licensespring/webhook.rs") as source:
        text = source.read()
    good = re.search(r'let good = "([0-9a-f]{64})"', text)[1]
    body = re.search(r'let body = br#"(.*?)"#', text)[1]
    with open("src/provider/signature.rs") as source:
        now = re.search(r"NOW: i64 = ([0-9_]+)", source.read())[1].replace("_", "")
    header = f"t={now},v1={good}"
    check(WebhookSignature.verify_header(body, header, SECRET), "our own vector")


def main():
    judge_our_own_vector()
    sandbox, daemon = free_port(), free_port()
    base = f"http://127.0.0.1:{sandbox}"
    with running(["sandbox", "--listen", f"127.0.0.1:{sandbox}"], f"{base}/_sandbox"), tempfile.TemporaryDirectory() as home:
        write_project(home, f"{base}/licensespring")
        secrets = {"LICENSESPRING_API_KEY": "sandbox-key", "HOOK": SECRET}
        environment = secrets | {"HOME": home, "XDG_STATE_HOME": home}
        page = f"http://127.0.0.1:{daemon}"
        watch = ["watch", ".", "--listen", f"127.0.0.1:{daemon}"]
        with running(watch, f"{page}/readyz", cwd=home, env=environment):
            hook = f"{page}/hooks/licensespring/licensespring"
            judge_deliveries(hook)
            judge_the_future(hook)
    print("licensespring-webhook: licensespring 4.0.0 and entitle agree")


main()
