// Drives schemas/manifest.json through the real yaml-language-server, as an editor does.
//
// By hand, from the top of the repository:
//   npm install --no-save --prefix target/editor yaml-language-server
//   NODE_PATH=target/editor/node_modules node tests/editor/drive.js
//
// Every check prints a line; the exit code is 1 if one failed.
"use strict";
const { spawn } = require("node:child_process");
const fs = require("node:fs");
const path = require("node:path");

const schema = JSON.parse(fs.readFileSync("schemas/manifest.json", "utf8"));
const main = require.resolve("yaml-language-server/bin/yaml-language-server");
const server = spawn(process.execPath, [main, "--stdio"], { stdio: ["pipe", "pipe", "inherit"] });
const waiting = new Map();
const diagnostics = new Map();
let number = 0;
let buffer = Buffer.alloc(0);

function post(message) {
  const body = JSON.stringify({ jsonrpc: "2.0", ...message });
  server.stdin.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function ask(method, params) {
  number += 1;
  post({ id: number, method, params });
  return new Promise((done) => waiting.set(number, done));
}

const settings = {
  yaml: { schemas: { [`file://${path.resolve("schemas/manifest.json")}`]: "*.yaml" }, validate: true,
          hover: true, completion: true, schemaStore: { enable: false } },
};

function answer(message) {
  if (message.method === "workspace/configuration") {
    const section = (item) => (item.section ? settings[item.section] ?? null : settings);
    post({ id: message.id, result: message.params.items.map(section) });
  } else if (message.method === "textDocument/publishDiagnostics") {
    diagnostics.set(message.params.uri, message.params.diagnostics);
  } else if (message.method && message.id !== undefined) {
    post({ id: message.id, result: null });
  } else if (waiting.has(message.id)) {
    waiting.get(message.id)(message.result);
    waiting.delete(message.id);
  }
}

server.stdout.on("data", (bytes) => {
  buffer = Buffer.concat([buffer, bytes]);
  for (;;) {
    const head = buffer.indexOf("\r\n\r\n");
    if (head < 0) return;
    const length = Number(/Content-Length: (\d+)/.exec(buffer.toString("utf8", 0, head))[1]);
    if (buffer.length < head + 4 + length) return;
    const body = buffer.toString("utf8", head + 4, head + 4 + length);
    buffer = buffer.subarray(head + 4 + length);
    answer(JSON.parse(body));
  }
});

// `|` in a text is the place of the cursor.
function open(name, marked) {
  const at = marked.indexOf("|");
  const text = marked.replace("|", "");
  const before = marked.slice(0, Math.max(at, 0)).split("\n");
  const uri = `file://${path.resolve(name)}`;
  post({ method: "textDocument/didOpen",
         params: { textDocument: { uri, languageId: "yaml", version: 1, text } } });
  const position = { line: before.length - 1, character: before[before.length - 1].length };
  return { textDocument: { uri }, position };
}

let failed = 0;
function check(what, good, seen) {
  console.log(`${good ? "ok  " : "FAIL"} ${what}${good ? "" : `: ${JSON.stringify(seen)}`}`);
  failed += good ? 0 : 1;
}

const pause = (time) => new Promise((done) => setTimeout(done, time));

const head = (kind, rest) =>
  `apiVersion: entitle.dev/v1\nkind: ${kind}\nmetadata:\n  name: x\nspec:\n${rest}`;

// The fields of a kind, as its own part of the schema has them.
function fields(kind) {
  const rules = schema.allOf ?? schema.oneOf ?? [];
  const rule = rules.find((one) => JSON.stringify(one.if ?? one).includes(`"const":"${kind}"`));
  const spec = (rule.then ?? rule).properties.spec;
  return { spec: Object.keys(spec.properties), desired: spec.properties.desired?.properties ?? {} };
}

async function main_() {
  await ask("initialize", { processId: process.pid, rootUri: null,
    capabilities: { workspace: { configuration: true }, textDocument: { completion: { completionItem: {} },
                    hover: { contentFormat: ["markdown"] } } } });
  post({ method: "initialized", params: {} });
  post({ method: "workspace/didChangeConfiguration", params: { settings } });
  await pause(500);

  const complete = async (name, text) => {
    const place = open(name, text);
    await pause(300);
    const list = await ask("textDocument/completion", place);
    return (list.items ?? list).map((item) => item.label);
  };
  const kinds = schema.properties.kind.enum.filter((kind) => kind !== "Connection");
  const offered = await complete("kind.yaml", "apiVersion: entitle.dev/v1\nkind: |\n");
  check("every kind is offered", kinds.every((kind) => offered.includes(kind)), offered);
  for (const kind of kinds) {
    const own = fields(kind);
    const desired = Object.keys(own.desired);
    const others = kinds.filter((other) => other !== kind)
      .flatMap((other) => Object.keys(fields(other).desired))
      .filter((field) => !desired.includes(field));
    const labels = await complete(`${kind}.yaml`, head(kind, "  desired:\n    |\n"));
    check(`${kind}: its fields are offered`, desired.every((field) => labels.includes(field)), labels);
    check(`${kind}: no other kind's are`, !others.some((field) => labels.includes(field)), labels);
    const spec = await complete(`${kind}-spec.yaml`, head(kind, "  |\n"));
    check(`${kind}: the members of its spec are offered`,
      own.spec.every((member) => spec.includes(member)), spec);
    for (const field of desired) {
      const place = open(`${kind}-${field}.yaml`, head(kind, `  desired:\n    ${field[0]}|${field.slice(1)}: x\n`));
      await pause(60);
      const hover = JSON.stringify(await ask("textDocument/hover", place));
      const words = own.desired[field].description.split(/[.;:`]/)[0];
      check(`${kind}.${field}: hover describes it`, hover.includes(words), hover);
    }
  }
  const feature = (rest) => head("LacLicenseOrder",
    `  activationKey: K\n  desired:\n    customer_id: 1\n    Features:\n      - name: A\n        version: "1"\n        ${rest}\n`);
  const element = await complete("element.yaml", feature("|"));
  check("an element's fields are offered", ["expiration_type", "count"].every((field) => element.includes(field)), element);
  const choice = await complete("choice.yaml", feature("expiration_type: |"));
  check("a field's choices are offered", ["fixed", "no_expiration"].every((one) => choice.includes(one)), choice);
  const inside = open("inside.yaml", feature("co|unt: 5"));
  await pause(100);
  const hover = JSON.stringify(await ask("textDocument/hover", inside));
  check("hover describes an element's field", hover.includes("Licenses of this feature"), hover);
  const account = head("Connection", "  vendor: lac\n  auth:\n    |\n");
  const forms = await complete("auth.yaml", account);
  check("a connection's forms are offered", ["token", "login"].every((form) => forms.includes(form)), forms);
  const secret = await complete("secret.yaml", account.replace("    |", "    token:\n      |"));
  check("the sources of a secret are offered", ["env", "file"].every((one) => secret.includes(one)), secret);
  const vendor = await complete("vendor.yaml", head("Connection", "  vendor: |\n"));
  check("the vendors are offered", ["alinea", "lac"].every((name) => vendor.includes(name)), vendor);
  const marked = async (name, text) => {
    const place = open(name, text);
    for (let turn = 0; turn < 40 && !diagnostics.get(place.textDocument.uri)?.length; turn += 1) await pause(100);
    return diagnostics.get(place.textDocument.uri) ?? [];
  };
  const wrong = await marked("wrong.yaml", head("LacLicenseOrder",
    "  activationKey: K\n  desired:\n    customer_id: 1\n    license_type: netwrk\n"));
  check("a wrong choice is marked on its line and alone",
    wrong.length === 1 && wrong[0].range.start.line === 8 && /local|network/.test(wrong[0].message), wrong);
  const unknown = await marked("unknown.yaml", head("LacLicenseOrder",
    "  activationKey: K\n  desired:\n    customer_id: 1\n    licence_type: local\n"));
  check("an unknown field is marked", unknown.length === 1 && unknown[0].range.start.line === 8, unknown);
  const missing = await marked("missing.yaml", head("LacLicenseOrder", "  desired: {customer_id: 1}\n"));
  check("a missing id is marked", missing.some((one) => /activationKey/.test(one.message)), missing);
  for (const file of fs.globSync ? fs.globSync("examples/*/*.yaml") : examples()) {
    const place = open(`copy-of-${file.replaceAll("/", "-")}`, fs.readFileSync(file, "utf8")
      .replace(/\$schema=.*/, "").replaceAll("|", "/"));
    await pause(400);
    const found = diagnostics.get(place.textDocument.uri) ?? [];
    check(`${file}: nothing is marked`, diagnostics.has(place.textDocument.uri) && found.length === 0, found);
  }
}

function examples() {
  const folders = fs.readdirSync("examples").map((name) => path.join("examples", name));
  const files = folders.filter((name) => fs.statSync(name).isDirectory())
    .flatMap((folder) => fs.readdirSync(folder).map((name) => path.join(folder, name)));
  return files.filter((name) => name.endsWith(".yaml") && !name.includes("/ci/"));
}

main_().then(() => {
  server.kill();
  process.exit(failed ? 1 : 0);
});
