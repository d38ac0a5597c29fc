// Checks the daemon's pages and the HTML report in Chromium. See .ci/page.
"use strict";
const { spawn, spawnSync } = require("node:child_process");
const fs = require("node:fs");
const net = require("node:net");
const os = require("node:os");
const path = require("node:path");
const puppeteer = require("puppeteer-core");

const program = process.argv[2];
const axe = fs.readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
const token = "a-token-for-actions";
const faults = [];

const freePort = () => new Promise((resolve) => {
  const listener = net.createServer().listen(0, "127.0.0.1", () => {
    const { port } = listener.address();
    listener.close(() => resolve(port));
  });
});

async function waitFor(what, ask) {
  for (const end = Date.now() + 30_000; Date.now() < end;) {
    const found = await ask().catch(() => null);
    if (found) return found;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not within 30 s`);
}

// Loads a page and tells everything that is wrong with it.
async function check(page, name, address, { dark = false, width = 1280 } = {}) {
  const label = `${name}${dark ? ", dark" : ""}${width < 1280 ? `, ${width} px` : ""}`;
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }]);
  await page.goto(address, { waitUntil: "domcontentloaded" });
  await page.evaluate(() => document.querySelectorAll("details").forEach((details) => { details.open = true; }));
  await page.evaluate(axe);
  const violations = await page.evaluate(async () => (await axe.run()).violations.map((violation) => {
    const nodes = violation.nodes.map((node) => node.html.slice(0, 120));
    return `${violation.id} (${violation.impact}): ${nodes.slice(0, 3).join(" ")}`;
  }));
  faults.push(...violations.map((violation) => `${label}: ${violation}`));
  if (await page.evaluate(() => document.documentElement.scrollWidth > innerWidth + 1)) faults.push(`${label}: scrolls sideways`);
}

async function checkAll(page, name, address) {
  await check(page, name, address);
  await check(page, name, address, { dark: true });
  await check(page, name, address, { width: 400 });
}

// The names of what Tab leads to, in order.
async function tabStops(page, count) {
  const names = [];
  for (let number = 0; number < count; number++) {
    await page.keyboard.press("Tab");
    names.push(await page.evaluate(() => {
      const on = document.activeElement;
      return (on.getAttribute("aria-label") || on.name || on.textContent).trim().slice(0, 40);
    }));
  }
  return names;
}

async function run(directory, processes) {
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const watch = ["watch", "examples", "--sandbox", "--mode", "observe", "--listen", `127.0.0.1:${port}`,
    "--allow-actions", "--actions-token", token, "--window", "allow 0 22 * * 1-5 for 6h in Europe/Vienna"];
  const log = fs.openSync(path.join(directory, "entitle.log"), "w");
  processes.push(spawn(program, watch, { stdio: ["ignore", log, log] }));
  const objects = await waitFor("the daemon", async () => {
    const { objects } = await (await fetch(`${base}/status?state=attention`)).json();
    return objects.length > 3 && objects;
  });
  const browser = await puppeteer.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
  try {
    const page = await browser.newPage();
    // The policy of the pages lets nothing run that is not theirs, and axe is not.
    await page.setBypassCSP(true);
    const object = `${base}/o/${objects[0].address}`;
    await checkAll(page, "overview", `${base}/`);
    await checkAll(page, "object", object);
    await check(page, "sign-in", `${base}/sign-in`);

    await page.goto(`${base}/`, { waitUntil: "domcontentloaded" });
    const stops = await tabStops(page, 12);
    for (const name of ["Skip to the content", "entitle watch", "theme", "q", "risk"]) {
      if (!stops.includes(name)) faults.push(`overview: Tab does not lead to ${name}: ${stops.join(", ")}`);
    }
    await page.focus("details.object summary");
    await page.keyboard.press("Enter");
    if (!await page.$("details.object[open]")) faults.push("overview: Enter does not open an object");

    // Everything that acts works without a script: a form, and a page that confirms it.
    await page.setJavaScriptEnabled(false);
    await page.goto(`${base}/sign-in`, { waitUntil: "domcontentloaded" });
    await page.type("input[name=name]", "ann");
    await page.type("input[name=token]", token);
    await Promise.all([page.waitForNavigation(), page.click("form.panel button")]);
    await page.goto(object, { waitUntil: "domcontentloaded" });
    await Promise.all([page.waitForNavigation(), page.click("form[action='/actions/look'] button")]);
    if (!(await page.content()).includes("A look was asked for.")) faults.push("object: a look is not confirmed");
    await Promise.all([page.waitForNavigation(), page.click("form.theme button[value=dark]")]);
    if (!await page.$("html[data-theme=dark]")) faults.push("object: the theme is not kept");
    await page.setJavaScriptEnabled(true);
    await checkAll(page, "overview, signed in", `${base}/`);
    await checkAll(page, "object, signed in", object);

    const report = path.join(directory, "plan.html");
    const plan = spawnSync(program, ["plan", "examples", "--sandbox", "--report", `html=${report}`], { encoding: "utf8" });
    if (plan.status !== 0) throw new Error(`plan: ${plan.stderr}`);
    await checkAll(page, "report", `file://${report}`);
  } finally {
    await browser.close();
  }
}

async function main() {
  const processes = [];
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), "entitle-page-"));
  try {
    await run(directory, processes);
  } finally {
    processes.forEach((process) => process.kill());
    fs.rmSync(directory, { recursive: true });
  }
  if (faults.length > 0) {
    console.error(faults.join("\n"));
    process.exit(1);
  }
  console.log("pages: axe finds nothing on overview, object, sign-in and report, light, dark and at 400 px");
}

main().catch((error) => { console.error(error.message); process.exit(1); });
