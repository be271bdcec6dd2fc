// What the pages do themselves: buttons without inline handlers, boxes that scroll, search from a file.
(() => {
  "use strict";

  // The theme writes these as onclick attributes, which the page's security policy forbids.
  const actions = {
    print: () => window.print(),
    fullscreen: () =>
      document.fullscreenElement
        ? document.exitFullscreen()
        : document.documentElement.requestFullscreen(),
  };
  document.querySelectorAll("[data-action]").forEach((button) => {
    button.addEventListener("click", actions[button.dataset.action]);
  });

  // A box that is wider than the page can be reached and scrolled with the keyboard.
  const labels = [
    [".scroll-box", null],
    [".pst-scrollable-table-container", "Table, scrolls sideways"],
    [".cell_output .text_html", "Table, scrolls sideways"],
    [".cell_output pre", "Output, scrolls"],
    ["div.highlight pre", "Code, scrolls sideways"],
  ];
  const update = (box, label) => {
    const scrolls =
      box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (scrolls) {
      box.tabIndex = 0;
      box.setAttribute("role", "group");
      box.setAttribute("aria-label", label);
    } else if (box.getAttribute("role") === "group") {
      box.removeAttribute("tabindex");
      box.removeAttribute("role");
      box.removeAttribute("aria-label");
    }
  };
  const seen = new Map();
  labels.forEach(([selector, label]) => {
    document.querySelectorAll(selector).forEach((box) => {
      if (!seen.has(box)) seen.set(box, label || box.dataset.scrollLabel);
    });
  });
  // What a box holds may grow without the box: when fonts arrive, when a fold is opened.
  const boxOf = (node) => (seen.has(node) ? node : node.parentElement);
  const observer = new ResizeObserver((entries) =>
    entries.forEach(({ target }) => update(boxOf(target), seen.get(boxOf(target))))
  );
  const updateAll = () => seen.forEach((label, box) => update(box, label));
  seen.forEach((label, box) => {
    observer.observe(box);
    if (box.firstElementChild) observer.observe(box.firstElementChild);
  });
  updateAll();
  document.fonts.addEventListener("loadingdone", updateAll);

  // Opened as a file, a page may not fetch another one for its summary; titles are enough.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }
  // A formula stands in a page for the eye, as MathML and as TeX: an excerpt takes the first alone.
  document.addEventListener("DOMContentLoaded", () => {
    if (typeof Search === "undefined") return;
    const toText = Search.htmlToText;
    Search.htmlToText = (source, anchor) => {
      const whole = new DOMParser().parseFromString(source, "text/html");
      whole.querySelectorAll(".katex-mathml").forEach((formula) => formula.remove());
      return toText(whole.documentElement.outerHTML, anchor);
    };
  });

  // The theme searches at each key; words also come from an input method, the clipboard or a microphone.
  document.querySelectorAll("#pst-search-dialog input[name=q]").forEach((field) => {
    field.addEventListener("input", () => field.dispatchEvent(new KeyboardEvent("keyup")));
  });

  // Every course has its own JupyterHub: ask once for the address, unless the book was built with one.
  const placeholder = "https://hub.example.org";
  document.querySelectorAll(`a[href^="${placeholder}/"]`).forEach((link) => {
    link.addEventListener("click", (event) => {
      event.preventDefault();
      const known = localStorage.getItem("recbook-hub") || "https://";
      const answer = window.prompt("Address of your JupyterHub (with nbgitpuller):", known);
      if (!answer) return;
      let hub;
      try {
        hub = new URL(answer.trim());
      } catch {
        return;
      }
      if (!/^https?:$/.test(hub.protocol)) return;
      localStorage.setItem("recbook-hub", hub.href);
      window.open(link.href.replace(placeholder, hub.href.replace(/\/$/, "")), "_blank", "noopener");
    });
  });
})();
