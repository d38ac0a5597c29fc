"use strict";
(() => {
  const form = document.getElementById("filters");
  if (!form) return;
  const [text, vendor, risk] = ["text", "vendor", "risk"].map((id) => document.getElementById(id));
  const shown = document.getElementById("shown");
  const none = document.getElementById("none");
  const fold = document.getElementById("fold");
  const objects = [...document.querySelectorAll("#objects > details")].map((element) => ({
    element,
    words: element.textContent.toLowerCase(),
  }));
  const filter = () => {
    const wanted = text.value.toLowerCase().split(/\s+/).filter(Boolean);
    let count = 0;
    for (const { element, words } of objects) {
      const fits =
        (!vendor.value || element.dataset.vendor === vendor.value) &&
        (!risk.value || element.dataset.risk === risk.value) &&
        wanted.every((word) => words.includes(word));
      element.hidden = !fits;
      count += fits;
    }
    shown.textContent = `${count} of ${objects.length}`;
    none.hidden = count > 0;
  };
  form.hidden = false;
  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  fold.addEventListener("click", () => {
    const open = objects.some(({ element }) => element.open);
    for (const { element } of objects) element.open = !open;
    fold.textContent = open ? "Unfold all" : "Fold all";
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
  filter();
})();
