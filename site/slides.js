// Start a deck: fit each slide, then reveal; notes on this screen or in a second window; light and dark.
(() => {
  "use strict";
  const root = document.documentElement;
  const remember = "recbook-slides-theme";
  const read = () => {
    try {
      return localStorage.getItem(remember);
    } catch {
      return null;
    }
  };
  const paint = (theme) => {
    root.dataset.theme = theme;
    try {
      localStorage.setItem(remember, theme);
    } catch {
      // A page that may store nothing forgets the choice.
    }
  };
  if (["light", "dark"].includes(read())) root.dataset.theme = read();

  // A slide is 720 pixels high and 1280 wide. What is too big is set smaller, step by step.
  const SMALLEST = 0.55;
  const fit = () => {
    document.querySelectorAll("section.slide").forEach((slide) => {
      const chain = [slide.parentElement, slide];
      const before = chain.map((box) => box.getAttribute("style"));
      chain.forEach((box) => {
        box.style.cssText = "display:block;position:static;visibility:hidden;width:1280px;transform:none";
      });
      const box = slide.querySelector(".fit");
      const limit = 720 - 42 - 56;
      let size = 1;
      const tooBig = () => {
        box.style.setProperty("--fit", size);
        const wide = Math.max(
          box.scrollWidth,
          ...[...box.querySelectorAll(".katex-display, table, pre")].map((part) => part.scrollWidth)
        );
        return box.scrollHeight > limit || wide > 1280 - 128;
      };
      while (tooBig() && size > SMALLEST) size = Math.round((size - 0.05) * 100) / 100;
      slide.dataset.fit = size;
      chain.forEach((part, at) => {
        if (before[at] === null) part.removeAttribute("style");
        else part.setAttribute("style", before[at]);
      });
    });
  };

  // A second window shows the same deck with notes; whichever moves, the other follows.
  const NOTES_WINDOW = "recbook-notes";
  let other = window.name === NOTES_WINDOW ? window.opener : null;
  const tell = () => {
    if (other && !other.closed) other.postMessage({ recbook: Reveal.getIndices() }, "*");
  };
  window.addEventListener("message", ({ data, source }) => {
    if (!data || !data.recbook || source !== other) return;
    const { h, v } = data.recbook;
    const now = Reveal.getIndices();
    if (h !== now.h || v !== now.v) Reveal.slide(h, v);
  });
  const openNotes = () => {
    other = window.open(location.href, NOTES_WINDOW, "width=1100,height=800");
  };

  const KEYS = [
    ["→ or space", "next slide"],
    ["←", "slide before"],
    ["Home, End", "first and last slide"],
    ["Esc", "overview"],
    ["F", "full screen"],
    ["M", "notes on this screen"],
    ["S", "notes in a second window"],
    ["D", "light or dark"],
    ["?", "this list; Esc closes it"],
  ];
  const help = document.createElement("dialog");
  help.className = "keys";
  help.setAttribute("aria-label", "Keys");
  const table = document.createElement("table");
  KEYS.forEach((pair) => {
    const row = table.insertRow();
    pair.forEach((words) => (row.insertCell().textContent = words));
  });
  const heading = document.createElement("h2");
  heading.textContent = "Keys";
  help.append(heading, table);

  const start = () => {
    fit();
    document.body.append(help);
    Reveal.initialize({
      width: 1280,
      height: 720,
      margin: 0.02,
      center: false,
      hash: true,
      help: false,
      navigationMode: "linear",
      controlsTutorial: false,
      transition: "none",
      backgroundTransition: "none",
      slideNumber: "c/t",
      showNotes: window.name === NOTES_WINDOW,
      pdfMaxPagesPerSlide: 1,
      pdfSeparateFragments: false,
      keyboardCondition: () => !help.open,
      keyboard: {
        35: () => {
          const last = Reveal.getHorizontalSlides().at(-1);
          const { h } = Reveal.getIndices(last);
          Reveal.slide(h, last.querySelectorAll("section").length - 1);
        },
        36: () => Reveal.slide(0, 0),
        68: () => paint(root.dataset.theme === "dark" ? "light" : "dark"),
        77: () => Reveal.configure({ showNotes: !Reveal.getConfig().showNotes }),
        83: openNotes,
        191: () => help.showModal(),
      },
    }).then(() => {
      root.dataset.ready = "yes";
      Reveal.on("slidechanged", tell);
    });
  };
  document.fonts.ready.then(start, start);
})();
