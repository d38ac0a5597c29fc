// Fetches the same page again when the daemon says that something changed. Without this script the page
// shows the moment at which it was loaded.
"use strict";
(() => {
  const live = document.getElementById("live");
  const form = document.getElementById("filter"); // Only the overview has one.
  const PACE = 2000; // The shortest time between two fetches, in ms: the eye gains nothing from more.
  const main = () => document.getElementById("main");
  let source = null, fetching = false, wanted = false, last = 0;

  const say = (words) => { if (live.textContent !== words) live.textContent = words; };

  async function refresh() {
    if (document.hidden || fetching) { wanted = true; return; }
    fetching = true; wanted = false; last = Date.now();
    try {
      const reply = await fetch(location.pathname + location.search, { headers: { accept: "text/html" } });
      if (!reply.ok) return;
      const fresh = new DOMParser().parseFromString(await reply.text(), "text/html");
      put(fresh.getElementById("main"));
      document.title = fresh.title;
    } catch { /* The stream says when the daemon is back. */ } finally {
      fetching = false;
      if (wanted) soon();
    }
  }

  // What was open stays open, and the focus stays where it was.
  function put(fresh) {
    const old = main();
    if (!fresh || !old) return;
    for (const open of old.querySelectorAll("details[open][id]")) {
      const same = fresh.querySelector("#" + CSS.escape(open.id));
      if (same) same.open = true;
    }
    const held = document.activeElement;
    const row = held && old.contains(held) && held.tagName === "SUMMARY" ? held.parentElement.id : "";
    const inside = held && held !== old && old.contains(held);
    if (inside && !row) { wanted = true; return; }
    if (!window.getSelection().isCollapsed && old.contains(window.getSelection().anchorNode)) { wanted = true; return; }
    old.replaceWith(fresh);
    offerCopies();
    if (row) document.getElementById(row)?.querySelector("summary").focus({ preventScroll: true });
  }

  let timer = 0;
  function soon() {
    clearTimeout(timer);
    timer = setTimeout(refresh, Math.max(0, last + PACE - Date.now()));
  }

  function listen() {
    if (source) source.close();
    source = new EventSource("/events?" + main().dataset.events);
    source.addEventListener("open", () => say("live"));
    source.addEventListener("error", () => say("not connected, showing what was last seen"));
    source.addEventListener("status", (event) => {
      const told = JSON.parse(event.data);
      if (told.seen || String(told.pass) !== main().dataset.pass) soon();
    });
  }

  let typing = 0;
  function narrow() {
    const query = new URLSearchParams([...new FormData(form)].filter(([, value]) => value !== ""));
    history.replaceState(null, "", "/" + (query.size ? "?" + query : ""));
    main().dataset.events = query.toString();
    listen();
    refresh();
  }
  if (form) {
    form.addEventListener("input", () => { clearTimeout(typing); typing = setTimeout(narrow, 250); });
    form.addEventListener("submit", (event) => { event.preventDefault(); clearTimeout(typing); narrow(); });
    form.querySelector("button").hidden = true;
    document.addEventListener("keydown", (event) => {
      const typed = event.target.matches("input, select, textarea");
      if (event.key === "/" && !typed) { event.preventDefault(); form.elements.q.focus(); }
    });
  }
  document.addEventListener("visibilitychange", () => { if (!document.hidden && wanted) soon(); });

  // Copying needs this script, so its buttons are hidden without it.
  function offerCopies() {
    if (!navigator.clipboard) return;
    for (const button of document.querySelectorAll("button[data-copy]")) button.hidden = false;
  }
  document.addEventListener("click", async (event) => {
    const button = event.target.closest("button[data-copy]");
    if (!button) return;
    await navigator.clipboard.writeText(button.previousElementSibling.textContent);
    button.textContent = "Copied";
  });
  // A link to a folded form opens it.
  const target = location.hash && document.getElementById(location.hash.slice(1));
  if (target && target.tagName === "DETAILS") target.open = true;

  offerCopies();
  listen();
})();
