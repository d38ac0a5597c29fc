"""Who runs. Each method does one piece of work on one layout, checks the answer, and says what it took."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import venv
from pathlib import Path

from processes import Skip, run, say

HERE = Path(__file__).resolve().parent
TOKEN = "sandbox-token"


def check(work, layout, changed, in_sync):
    expected = work.changed[layout]
    if set(changed) != expected or in_sync != work.objects - len(expected):
        raise RuntimeError(
            f"wrong answer: {len(changed)} changed and {in_sync} in sync, expected {len(expected)} and "
            f"{work.objects - len(expected)}"
        )


def reported(text):
    changed = re.findall(r"^changed (\S+)$", text, re.M)
    if re.search(r"^missing ", text, re.M):
        raise RuntimeError("wrong answer: orders are missing")
    return changed, int(re.search(r"^in sync (\d+)$", text, re.M)[1])


class Entitle:
    def __init__(self, binary):
        self.binary = binary
        self.version = run([binary, "--version"]).out.strip()

    def answer(self, ran):
        changed = re.findall(r"^~ LacLicenseOrder/(\S+)", ran.out, re.M)
        found = re.search(r"(\d+) in sync", ran.out)
        return changed, int(found[1]) if found else 0

    def plan(self, work, layout):
        ran = run([self.binary, "plan", work.paths[layout]], environment=work.environment())
        check(work, layout, *self.answer(ran))
        return ran

    def apply(self, work, layout):
        ran = run([self.binary, "apply", "--auto-approve", work.paths[layout]], environment=work.environment())
        count = work.sandbox.requests()
        if len(set(work.sandbox.writes())) != len(work.changed[layout]):
            raise RuntimeError("wrong answer: the writes are not those of the changed orders")
        again = run([self.binary, "plan", work.paths[layout]], environment=work.environment())
        changed, in_sync = self.answer(again)
        if changed or in_sync != work.objects:
            raise RuntimeError("wrong answer: apply did not converge")
        return ran, count


class Scripts:
    """What runs on Python packages, which are installed into a directory of their own."""

    def __init__(self, folder):
        self.python = folder / "venv" / "bin" / "python"
        say("installing the Python packages")
        try:
            venv.create(folder / "venv", with_pip=True)
            pip = [self.python, "-m", "pip", "install", "-q", "--disable-pip-version-check"]
            run([*pip, "-r", HERE / "requirements.txt"], seconds=900)
        except (RuntimeError, subprocess.SubprocessError) as error:
            raise Skip(f"its packages cannot be installed: {str(error).splitlines()[-1][:120]}") from None
        frozen = run([self.python, "-m", "pip", "freeze", "--disable-pip-version-check"]).out
        self.versions = dict(line.split("==") for line in frozen.split() if "==" in line)
        # The packages were compiled when they were installed; nothing is compiled into the tree.
        self.environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}

    def asyncio(self, work, layout):
        command = [self.python, HERE / "asyncio_list.py", work.base, TOKEN, work.page, work.paths[layout]]
        ran = run(command, environment=self.environment)
        check(work, layout, *reported(ran.out))
        return ran

    def octodns(self, work, layout):
        command = [self.python, HERE / "octodns_plan.py", work.base, TOKEN, work.paths[layout]]
        ran = run(command, environment=self.environment)
        check(work, layout, *reported(ran.out))
        return ran


class Curl:
    """The floor: curl fetches what has to be read, and compares nothing. What it fetched is checked afterwards."""

    def __init__(self):
        self.binary = shutil.which("curl")
        if not self.binary:
            raise Skip("curl is not installed")
        self.version = " ".join(run([self.binary, "--version"]).out.split()[:2])
        self.keys = {}

    def fetch(self, work, targets):
        folder = Path(tempfile.mkdtemp(dir=work.folder))
        lines = [f'header = "Authorization: Bearer {TOKEN}"', "silent", "fail"]
        for at, target in enumerate(targets):
            lines += [f'url = "{work.base}/license-orders?{target}"', f'output = "{folder}/{at}"']
        config = folder / "config"
        config.write_text("\n".join(lines))
        command = [self.binary, "--parallel", "--parallel-max", "16", "--config", config]
        ran = run(command)
        seen = set()
        for at in range(len(targets)):
            seen.update(order["activation_key"] for order in json.loads((folder / str(at)).read_text()))
        shutil.rmtree(folder)
        if not seen >= self.wanted(work):
            raise RuntimeError("wrong answer: orders were not fetched")
        return ran

    def wanted(self, work):
        if work.objects not in self.keys:
            text = (work.paths["one"] / "lac.yaml").read_text()
            self.keys[work.objects] = set(re.findall(r"^  activationKey: (\S+)$", text, re.M))
        return self.keys[work.objects]

    def pages(self, work, _):
        # The two orders that every sandbox has come first.
        return self.fetch(work, [f"offset={at}" for at in range(0, work.objects + 2, work.page)])

    def singles(self, work, _):
        return self.fetch(work, [f"activation_key={key}" for key in sorted(self.wanted(work))])


class Terraform:
    def __init__(self, folder, scripts, binary):
        self.binary = binary or shutil.which("terraform")
        if not self.binary:
            raise Skip("the terraform binary is not on PATH; it comes from its vendor, not from a registry")
        if isinstance(scripts, Skip):
            raise scripts
        self.python = scripts.python
        self.folder = folder / "terraform"
        (self.folder / "home").mkdir(parents=True)
        provider = self.folder / "terraform-provider-lac"
        quoted = lambda path: "'" + str(path).replace("'", "'\\''") + "'"
        script = f"#!/bin/sh\nexec {quoted(self.python)} {quoted(HERE / 'terraform_provider.py')} \"$@\"\n"
        provider.write_text(script)
        provider.chmod(0o755)
        settings = self.folder / "settings.tfrc"
        overrides = f'dev_overrides {{ "bench.local/entitle/lac" = "{self.folder}" }}'
        settings.write_text(f"provider_installation {{\n  {overrides}\n  direct {{}}\n}}\n")
        self.environment = {
            **scripts.environment,
            "TF_CLI_CONFIG_FILE": str(settings),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
            "HOME": str(self.folder / "home"),
        }
        self.version = run([self.binary, "version"], environment=self.environment).out.split("\n")[0]
        self.state = {}

    def configuration(self, work, layout):
        """The same orders as Terraform's JSON, made once and outside of the time that is measured."""
        folder = self.folder / f"{work.objects}-{layout.replace(' ', '-')}"
        folder.mkdir(exist_ok=True)
        make = [
            "import json, sys, orders",
            "resources = {}",
            "for name, key, wanted in orders.manifests(sys.argv[1]):",
            "    lists = {'hostids': wanted.pop('Hostids'), 'features': wanted.pop('Features')}",
            "    lists = {name: json.dumps(items, sort_keys=True) for name, items in lists.items()}",
            "    resources[name] = {'activation_key': key, **wanted, **lists}",
            "json.dump({'terraform': {'required_providers': {'lac': {'source': 'bench.local/entitle/lac'}}},",
            "    'provider': {'lac': {'base': sys.argv[2], 'token': sys.argv[3]}},",
            "    'resource': {'lac_order': resources}}, sys.stdout)",
        ]
        command = [self.python, "-c", "\n".join(make), work.paths[layout], work.base, TOKEN]
        ran = run(command, environment=self.environment)
        (folder / "main.tf.json").write_text(ran.out)
        return folder

    def terraform(self, folder, *arguments, accept=(0,)):
        command = [self.binary, f"-chdir={folder}", *arguments]
        return run(command, environment=self.environment, accept=accept)

    def adopted(self, work):
        """The state after the orders were adopted once: Terraform plans against it."""
        if work.objects not in self.state:
            folder = self.configuration(work, "one")
            self.terraform(folder, "apply", "-auto-approve", "-no-color", "-input=false")
            self.state[work.objects] = folder / "terraform.tfstate"
        return self.state[work.objects]

    def plan(self, work, layout):
        state = self.adopted(work)
        folder = self.configuration(work, layout)
        if state.parent != folder:
            shutil.copy(state, folder / "terraform.tfstate")
        work.sandbox.forget()
        options = ["-input=false", "-no-color", "-detailed-exitcode", "-out=saved"]
        ran = self.terraform(folder, "plan", *options, accept=(0, 2))
        count = work.sandbox.requests()
        shown = json.loads(self.terraform(folder, "show", "-json", "saved").out)
        actions = {one["name"]: one["change"]["actions"] for one in shown["resource_changes"]}
        changed = [name for name, action in actions.items() if action != ["no-op"]]
        check(work, layout, changed, len(actions) - len(changed))
        return ran, count
