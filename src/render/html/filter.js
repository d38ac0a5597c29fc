"use strict";
(() => {
  for (const time of document.querySelectorAll("time")) {
    const moment = new Date(time.dateTime);
    if (!Number.isNaN(moment.valueOf())) {
      time.textContent = moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "long" });
    }
  }
  for (const button of document.querySelectorAll("[data-copy]")) {
    const command = button.previousElementSibling;
    button.hidden = false;
    button.addEventListener("click", async () => {
      getSelection().selectAllChildren(command);
      try {
        await navigator.clipboard.writeText(command.textContent);
        button.textContent = "Copied";
      } catch {
        button.textContent = "Selected";
      }
    });
  }
  const form = document.getElementById("filters");
  if (!form) return;
  const [text, vendor, risk] = ["text", "vendor", "risk"].map((id) => document.getElementById(id));
  // Not there where every vendor has one kind.
  const kind = document.getElementById("kind");
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  const fold = document.getElementById("fold");
  const objects = [...document.querySelectorAll("#objects > details")].map((element) => ({
    element,
    count: Number(element.dataset.count),
    words: element.textContent.toLowerCase(),
  }));
  const total = objects.reduce((sum, { count }) => sum + count, 0);
  const filter = () => {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let number = 0;
    for (const { element, count, words } of objects) {
      const fits =
        (!vendor.value || element.dataset.vendor === vendor.value) &&
        (!kind?.value || element.dataset.kind === kind.value) &&
        (!risk.value || element.dataset.risk === risk.value) &&
        wanted.every((word) => words.includes(word));
      element.hidden = !fits;
      number += fits ? count : 0;
    }
    shown.textContent = `${number} of ${total}`;
    none.hidden = number > 0;
  };
  const label = () => {
    fold.textContent = objects.some(({ element }) => element.open) ? "Fold all" : "Unfold all";
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  fold.addEventListener("click", () => {
    const open = objects.some(({ element }) => element.open);
    for (const { element } of objects) element.open = !open;
    label();
  });
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input, select");
    if (event.key === "/" && !typing) {
      event.preventDefault();
      text.focus();
    } else if (event.key === "Escape" && typing) {
      text.value = "";
      filter();
      text.blur();
    }
  });
  label();
  filter();
})();
