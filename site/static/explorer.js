// The explorer page: lists of one household, fused in the browser by the reader's weights.
// The data (window.recbookExplorer) are made by site/explorer.py. Text enters as text, never as HTML.
(() => {
  "use strict";

  const K = 10; // length of a list
  const MOST = 20; // parts of a slider
  const FILE = document.currentScript ? document.currentScript.src : location.href;
  const MODELS = {
    "personal frequency": {
      label: "Personal frequency", page: "01_concepts.html",
      what: { repeat: "what it bought most often, above all lately", new: "what most households ever bought, as it has no past with new products" },
    },
    "recent popularity": {
      label: "Recent popularity", page: "01_concepts.html",
      what: "what most households bought in the last two weeks",
    },
    "user neighbours": {
      label: "User neighbours", page: "03_collaborative_filtering.html",
      what: "what the most similar households bought",
    },
    content: {
      label: "Content", page: "04_content.html",
      what: "what has a label like those of its purchases",
    },
    "pair rules": {
      label: "Pair rules", page: "05_association_rules.html",
      what: "what is often in one basket with its purchases",
    },
    PureSVD: {
      label: "PureSVD", page: "06_matrix_factorisation.html",
      what: "what fits its purchases by 16 patterns found in everybody’s",
    },
    "EASE, own past": {
      label: "EASE", page: "06_matrix_factorisation.html",
      what: "what all its other purchases together predict",
    },
    "EASE, discovery": {
      label: "EASE", page: "06_matrix_factorisation.html",
      what: "what all its purchases together predict",
    },
  };
  const TASKS = {
    repeat: {
      label: "Next purchases",
      what: "Which ten products will the household buy in the next four weeks? Most will be ones it has bought before.",
    },
    new: {
      label: "Discovery",
      what: "Which ten products that it never bought will the household buy for the first time in the next four weeks?",
    },
  };
  const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
  const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

  // ---- numbers -------------------------------------------------------------------------------------

  /** The scores of a row: float32, model by model; decoded once. */
  const scoresOf = (row) => {
    if (!row.decoded) {
      const bytes = Uint8Array.from(atob(row.scores), (letter) => letter.charCodeAt(0));
      const view = new DataView(bytes.buffer);
      row.decoded = Float32Array.from({ length: bytes.length / 4 }, (_, n) => view.getFloat32(4 * n, true));
    }
    return row.decoded;
  };

  /** Parts as weights that sum to 1; all 0 stay 0. */
  const weightsOf = (parts) => {
    const total = parts.reduce((sum, part) => sum + part, 0);
    return parts.map((part) => (total ? part / total : 0));
  };

  /** The weighted sums as recbook.fusion makes them: in double precision, model by model, then float32. */
  const fuse = (row, parts) => {
    const scores = scoresOf(row);
    const n = row.items.length;
    const fused = new Float64Array(n);
    weightsOf(parts).forEach((weight, model) => {
      for (let c = 0; c < n; c += 1) fused[c] += weight * scores[model * n + c];
    });
    return Float32Array.from(fused);
  };

  /** The first ten candidates, best first; of equal ones the earlier stands first. Nobody votes: nothing. */
  const rank = (row, parts) => {
    if (parts.every((part) => part === 0)) return [];
    const fused = fuse(row, parts);
    const order = Array.from(fused.keys());
    return order.sort((a, b) => fused[b] - fused[a] || a - b).slice(0, K);
  };

  /** NDCG@10 of a ranking. */
  const ndcg = (row, ranked) => {
    if (!row.right) row.right = new Set(row.held_out.map((found) => found[0]));
    const discount = (place) => 1 / Math.log2(place + 2);
    let gain = 0;
    let ideal = 0;
    ranked.forEach((c, place) => {
      if (row.right.has(row.items[c])) gain += discount(place);
    });
    for (let place = 0; place < Math.min(K, row.right.size); place += 1) ideal += discount(place);
    return ideal ? gain / ideal : 0;
  };

  const meanNdcg = (task, parts) =>
    task.rows.reduce((sum, row) => sum + ndcg(row, rank(row, parts)), 0) / task.rows.length;

  // ---- words ---------------------------------------------------------------------------------------

  const number = (value) => value.toLocaleString("en");
  const plural = (n, word) => `${number(n)} ${word}${n === 1 ? "" : "s"}`;
  const times = (n) => (n === 1 ? "once" : n === 2 ? "twice" : `${number(n)} times`);
  const percent = (share) => `${Math.round(100 * share)}\u00a0%`;
  const ago = (days) =>
    days < 1 ? "on the last day of the data" : days < 14 ? `${plural(days, "day")} ago` : `${Math.round(days / 7)} weeks ago`;
  const ordinal = (n) => `${n}${["th", "st", "nd", "rd"][n % 10 > 3 || Math.floor(n / 10) === 1 ? 0 : n % 10]}`;
  const listed = (words) =>
    words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words[words.length - 1]}`;
  const onDay = (iso, later = 0) => {
    const day = new Date(`${iso}T00:00:00Z`);
    day.setUTCDate(day.getUTCDate() + later);
    return `${DAYS[day.getUTCDay()]} ${day.getUTCDate()} ${MONTHS[day.getUTCMonth()]} ${day.getUTCFullYear()}`;
  };
  const signed = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(2)}`;

  // ---- elements ------------------------------------------------------------------------------------

  const make = (tag, options = {}, ...children) => {
    const node = document.createElement(tag);
    Object.entries(options).forEach(([key, value]) => {
      if (key === "text") node.textContent = value;
      else if (value !== undefined && value !== null) node.setAttribute(key, value);
    });
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  };

  const start = (root, data) => {
    const product = (place) => data.products[place];
    const quoted = (place) => `“${product(place)}”`;
    const first = data.repeat;
    const n_models = first.models.length;
    const state = { household: 0, task: "repeat", parts: [...first.weights], bought: false };
    const open = new Set(); // products whose sum is shown
    let shown = null; // the list before the last change

    const task = () => data[state.task];
    const row = () => task().rows[state.household];
    const label = (model) => MODELS[task().models[model]].label;
    const whatOf = (model) => {
      const { what } = MODELS[task().models[model]];
      return typeof what === "string" ? what : what[state.task];
    };
    const isLearnt = (parts) => {
      const [mine, learnt] = [weightsOf(parts), weightsOf(task().weights)];
      return mine.every((weight, model) => weight === learnt[model]);
    };

    /** Why one model puts a candidate where it does. */
    const reason = (model, c, brief = false) => {
      const name = task().models[model];
      const place = row().items[c];
      const found = row().reasons[model].find((one) => one[0] === c);
      const told = (found || []).slice(1);
      if (name === "personal frequency") {
        if (told.length) return `Bought ${times(told[0])} before, most recently ${ago(told[1])}.`;
        const ever = `${number(data.ever[place])} of ${number(data.n_users)} households ever bought it.`;
        return state.task === "new" ? ever : `Not bought by this household so far; ${ever}`;
      }
      if (name === "recent popularity") {
        return `Bought by ${plural(data.recent[place], "household")} in the last two weeks.`;
      }
      if (!found) return "Not among this model’s first 40, so no purchase is named.";
      if (!told.length) return "No purchase speaks for it.";
      if (name === "user neighbours") {
        return `Bought by ${number(told[0])} of the ${number(told[1])} households most like this one.`;
      }
      if (name === "pair rules") {
        const [past, withIt, both, rules] = told;
        const more = rules > 1 ? ` ${plural(rules - 1, "more rule")} ${rules === 2 ? "points" : "point"} to it.` : "";
        return (
          `Of ${plural(withIt, "basket")} with ${quoted(past)}, which this household bought, ` +
          `${number(both)} held this too (${percent(both / withIt)}).${brief ? "" : more}`
        );
      }
      const share = (at) => (told[at] < 1 ? "under 1\u00a0%" : `${told[at]}\u00a0%`);
      if (name === "content") {
        return `Its label is most like that of ${quoted(told[0])}, bought before (${share(1)} of the match).`;
      }
      const pasts = [`${quoted(told[0])} (${share(1)})`];
      if (brief) return `Most for it: ${pasts[0]}.`;
      if (told.length > 2) pasts.push(`${quoted(told[2])} (${share(3)})`);
      if (told[1] < 10) return `Many past purchases speak for it a little, most of all ${listed(pasts)}.`;
      return `What speaks for it most among its past purchases: ${listed(pasts)}.`;
    };

    // ---- the fixed parts of the page ---------------------------------------------------------------

    const select = make("select", { id: "explorer-household" });
    data.types.forEach((type, number_) => {
      const group = make("optgroup", { label: type });
      data.households.forEach((one, place) => {
        if (one.type !== number_) return;
        const text = `${one.who}, ${one.age}, ${one.often_shops.replace("about ", "")} (${one.id})`;
        group.append(make("option", { value: place, text }));
      });
      select.append(group);
    });
    const previous = make("button", { type: "button", text: "Previous" });
    const next = make("button", { type: "button", text: "Next" });
    previous.setAttribute("aria-label", "Previous household");
    next.setAttribute("aria-label", "Next household");

    const radios = Object.entries(TASKS).map(([key, { label: text }]) => {
      const input = make("input", { type: "radio", name: "explorer-task", value: key, id: `explorer-task-${key}` });
      return [key, input, make("span", { class: "x-choice" }, input, make("label", { for: input.id, text }))];
    });
    const taskWords = make("p", { class: "x-note" });
    const choice = make(
      "div", { class: "x-choose" },
      make("div", { class: "x-field" },
        make("label", { for: "explorer-household", text: "Household" }),
        make("div", { class: "x-pick" }, select, previous, next)),
      make("fieldset", { class: "x-field" },
        make("legend", { text: "Task" }),
        make("div", { class: "x-tasks" }, ...radios.map(([, , choice_]) => choice_))),
      taskWords
    );

    const about = make("p", { class: "x-about" });
    const often = make("ul", { class: "x-often" });
    const baskets = make("div", { class: "x-baskets" });
    const history_ = make(
      "section", { class: "x-panel", "aria-labelledby": "explorer-history" },
      make("h3", { id: "explorer-history", text: "What it bought" }),
      about,
      make("div", { class: "x-two" },
        make("div", {}, make("h4", { text: "Most often" }), often),
        make("div", {}, make("h4", { text: "Last baskets" }), baskets))
    );

    const sliders = [];
    const sliderRows = first.models.map((_, model) => {
      const input = make("input", {
        type: "range", min: 0, max: MOST, step: 1, id: `explorer-weight-${model}`,
        "aria-describedby": `explorer-what-${model}`,
      });
      const name = make("label", { for: input.id });
      const output = make("output", { for: input.id, "aria-live": "off" });
      const what = make("span", { class: "x-what", id: `explorer-what-${model}` });
      sliders.push({ input, name, output, what });
      return make("div", { class: "x-slider" }, name, input, output, what);
    });
    const learntButton = make("button", { type: "button", text: "Learnt weights" });
    const equalButton = make("button", { type: "button", text: "Equal weights" });
    const only = make("select", { id: "explorer-only" });
    const resetButton = make("button", { type: "button", text: "Reset all" });
    const weights = make(
      "section", { class: "x-panel x-weights", "aria-labelledby": "explorer-weights" },
      make("h3", { id: "explorer-weights", text: "How much each model counts" }),
      make("div", { class: "x-presets", role: "group", "aria-label": "Presets" },
        learntButton, equalButton,
        make("span", { class: "x-only" }, make("label", { for: "explorer-only", text: "Only" }), only), resetButton),
      ...sliderRows
    );

    const status = make("p", { class: "x-status", role: "status", "aria-live": "polite" });
    const fusedList = make("ol", { class: "x-list x-fused-list" });
    const fusedNote = make("p", { class: "x-note" });
    const boughtButton = make("button", {
      type: "button", class: "x-main", "aria-expanded": "false", "aria-controls": "explorer-bought",
    });
    const scores = make("dl", { class: "x-scores" });
    const scoresBox = make("div", { hidden: "" },
      scores,
      make("p", { class: "x-note", text:
        "NDCG@10 is 1 when bought products fill the list from the top (where fewer than ten were bought: all of them), and 0 when " +
        "none is in it; higher places count more. Moving the " +
        "weights until this household looks good proves nothing: look at what happens to the means. The households here are too " +
        "few to speak for all, and those whose make-up is known score unlike the rest." }));
    const fused = make(
      "section", { class: "x-panel x-fused", "aria-labelledby": "explorer-fused" },
      make("h3", { id: "explorer-fused", text: "Fused list: all models together" }),
      status, fusedNote, fusedList, make("div", { class: "x-actions" }, boughtButton), scoresBox
    );

    const columns = make("div", {
      class: "x-columns", role: "group", tabindex: "0", "aria-label": "Each model’s own list, scrolls sideways",
    });
    const lists = make(
      "section", { class: "x-panel", "aria-labelledby": "explorer-lists" },
      make("h3", { id: "explorer-lists", text: "Each model’s own list" }),
      columns
    );
    const boughtWords = make("p", { class: "x-note" });
    const boughtList = make("ul", { class: "x-bought" });
    const bought = make(
      "section", { class: "x-panel", id: "explorer-bought", "aria-labelledby": "explorer-held-out", hidden: "" },
      make("h3", { id: "explorer-held-out", text: "What it bought next" }),
      boughtWords, boughtList
    );

    // ---- drawing -----------------------------------------------------------------------------------

    const tick = (place) => {
      if (!state.bought || !row().right.has(place)) return null;
      return make("span", { class: "x-hit", text: "✓ bought" });
    };

    const drawHousehold = () => {
      const one = data.households[state.household];
      select.value = String(state.household);
      const favourites = one.favourites.length
        ? ` A larger share of its purchases than of other households’ comes from ${listed(one.favourites)}.`
        : "";
      about.textContent =
        `Household ${one.id}: ${one.who.toLowerCase()}, age group ${one.age}. Shops ${one.often_shops}; so far ${plural(one.visits, "basket")} with ` +
        `${plural(one.products, "different product")}, rare ones left out.${favourites}`;
      often.replaceChildren(
        ...one.often.map(([place, n]) =>
          make("li", {}, product(place), make("span", { class: "x-count", text: ` ×\u00a0${n}` })))
      );
      baskets.replaceChildren(
        ...one.baskets.map(([day, items]) =>
          make("details", { class: "x-basket" },
            make("summary", { text: `${onDay(day)}: ${plural(items.length, "product")}` }),
            make("ul", {}, ...items.map((place) => make("li", { text: product(place) })))))
      );
    };

    const drawTask = () => {
      radios.forEach(([key, input]) => {
        input.checked = key === state.task;
      });
      taskWords.textContent = TASKS[state.task].what;
      only.replaceChildren(
        make("option", { value: "", text: "one model …" }),
        ...task().models.map((_, model) => make("option", { value: model, text: label(model) }))
      );
      sliders.forEach(({ name, what }, model) => {
        name.textContent = label(model);
        what.textContent = whatOf(model);
      });
    };

    const drawSliders = () => {
      const shares = weightsOf(state.parts);
      sliders.forEach(({ input, output }, model) => {
        const part = state.parts[model];
        input.value = String(part);
        input.setAttribute("aria-valuetext", `${plural(part, "part")}, ${percent(shares[model])} of the weight`);
        output.textContent = percent(shares[model]);
      });
      const used = state.parts.flatMap((part, model) => (part ? [model] : []));
      only.value = used.length === 1 ? String(used[0]) : "";
      learntButton.setAttribute("aria-pressed", String(isLearnt(state.parts)));
      equalButton.setAttribute("aria-pressed", String(state.parts.every((part) => part && part === state.parts[0])));
    };

    const sumOf = (c, shares) => {
      const scores_ = scoresOf(row());
      const n = row().items.length;
      return shares.map((share, model) => [model, share * scores_[model * n + c]]);
    };

    const fusedItem = (c, place, shares, learnt) => {
      const item = row().items[c];
      const sum = sumOf(c, shares).filter(([model]) => shares[model] > 0).sort((a, b) => b[1] - a[1]);
      const [strongest] = sum[0];
      const before = learnt.indexOf(c);
      const moved = before === place ? null
        : make("span", { class: "x-moved", text:
            before < 0 ? "not listed by the learnt weights" : `${ordinal(before + 1)} by the learnt weights` });
      const widest = Math.max(...sum.map(([, part]) => Math.abs(part)), 1e-9);
      const parts = () => sum.map(([model, part]) => {
        const bar = make("span", { class: part < 0 ? "x-bar x-against" : "x-bar", "aria-hidden": "true" });
        bar.style.setProperty("--length", String(Math.abs(part) / widest));
        return make("li", {},
          make("span", { class: "x-part" },
            make("span", { text: label(model) }), make("span", { class: "x-value", text: signed(part) })),
          bar,
          make("span", { class: "x-why", text: reason(model, c) }));
      });
      const more = make("details", { class: "x-sum" },
        make("summary", {}, "The sum", make("span", { class: "visually-hidden-text", text: ` for ${product(item)}` })),
        make("ul"));
      const unfold = () => more.lastChild.replaceChildren(...parts()); // when opened: nobody waits for ten
      more.open = open.has(item);
      if (more.open) unfold();
      more.addEventListener("toggle", () => {
        if (more.open && !open.has(item)) unfold();
        if (more.open) open.add(item);
        else open.delete(item);
      });
      return make("li", { "data-item": item, class: tick(item) ? "x-is-hit" : undefined },
        make("span", { class: "x-name" }, product(item), tick(item) && " ", tick(item)),
        make("span", { class: "x-why" },
          make("span", { class: "x-who", text: `${label(strongest)}: ` }), reason(strongest, c)),
        moved, more);
    };

    const drawFused = () => {
      const ranked = rank(row(), state.parts);
      const learnt = isLearnt(state.parts) ? ranked : rank(row(), task().weights);
      const shares = weightsOf(state.parts);
      const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
      const tops = new Map([...fusedList.children].map((node) => [node.dataset.item, node.offsetTop]));
      fusedList.replaceChildren(...ranked.map((c, place) => fusedItem(c, place, shares, learnt)));
      if (!calm) {
        [...fusedList.children].forEach((node) => {
          const was = tops.get(node.dataset.item);
          if (was === undefined || was === node.offsetTop || !node.animate) return;
          node.animate({ transform: [`translateY(${was - node.offsetTop}px)`, "none"] }, { duration: 200, easing: "ease-out" });
        });
      }
      fusedNote.textContent = ranked.length
        ? "Under each product stands the reason of the model that adds most to its score."
        : "All weights are 0, so no model has a say. Move a slider.";
      return ranked;
    };

    const drawLists = () => {
      columns.replaceChildren(
        ...task().models.map((_, model) => {
          const alone = rank(row(), state.parts.map((__, other) => (other === model ? 1 : 0)));
          const hits = alone.filter((c) => state.bought && row().right.has(row().items[c])).length;
          const id = `explorer-column-${model}`;
          const page = MODELS[task().models[model]].page;
          return make("section", { class: "x-column", "aria-labelledby": id, "data-model": model },
            make("h4", { id, text: label(model) }),
            make("p", { class: "x-note" }, `${whatOf(model)} (`, make("a", { href: page, text: `chapter ${page.slice(0, 2)}` }), ")"),
            state.bought ? make("p", { class: "x-count", text: `${hits} of ${alone.length} bought` }) : null,
            make("ol", { class: "x-list" },
              ...alone.map((c) => {
                const item = row().items[c];
                return make("li", { "data-item": item, class: tick(item) ? "x-is-hit" : undefined },
                  make("span", { class: "x-name" }, product(item), tick(item) && " ", tick(item)),
                  make("span", { class: "x-why", text: reason(model, c, true) }));
              })));
        })
      );
    };

    const drawBought = (ranked) => {
      boughtButton.textContent = state.bought ? "Hide what it bought next" : "Show what it bought next";
      boughtButton.setAttribute("aria-expanded", String(state.bought));
      bought.hidden = scoresBox.hidden = !state.bought;
      if (!state.bought) {
        boughtList.replaceChildren();
        scores.replaceChildren();
        return;
      }
      const all = task().all;
      const interval = ({ mean, low, high }) => `${mean.toFixed(3)} [${low.toFixed(3)}, ${high.toFixed(3)}]`;
      const pair = (name, value) => [make("dt", { text: name }), make("dd", { text: value })];
      scores.replaceChildren(
        ...pair("Score of this list (NDCG@10)", ndcg(row(), ranked).toFixed(3)),
        ...pair(`Mean of the ${task().rows.length} households here, your weights`, meanNdcg(task(), state.parts).toFixed(3)),
        ...pair("The same, learnt weights", meanNdcg(task(), task().weights).toFixed(3)),
        ...pair(`${number(all.described.users)} households whose make-up is known, learnt weights`, all.described.mean.toFixed(3)),
        ...pair(`All ${number(all.users)} households, learnt weights, 95 % interval`, interval(all.learnt)),
        ...pair(`All, learnt weights against the best single model, ${label(all.best)}`,
          `${all.learnt.verdict}: ${signed4(all.learnt.difference)} [${signed4(all.learnt.difference_low)}, ${signed4(all.learnt.difference_high)}]`)
      );
      const here = new Set(ranked.map((c) => row().items[c]));
      const hits = row().held_out.filter(([item]) => here.has(item)).length;
      const found = row().held_out.length;
      boughtWords.textContent =
        `In the four weeks from ${onDay(data.cut, 1)} the household bought ${plural(found, "product")}` +
        `${state.task === "new" ? " for the first time" : ""}, rare ones left out. ${hits} of them ${hits === 1 ? "stands" : "stand"} in the fused list. ` +
        "No model has seen these purchases.";
      boughtList.replaceChildren(
        ...row().held_out.map(([item, n]) =>
          make("li", { class: here.has(item) ? "x-is-hit" : undefined },
            product(item), n > 1 ? make("span", { class: "x-count", text: ` ×\u00a0${n}` }) : null,
            here.has(item) ? " " : null, here.has(item) ? make("span", { class: "x-hit", text: "✓ in the list" }) : null))
      );
    };
    const signed4 = (value) => `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(4)}`;

    /** Say what a change did to the list: at once to see, after a pause to hear. */
    let waiting = 0;
    const tell = (ranked, why) => {
      const now = ranked.map((c) => row().items[c]);
      let words = `Household ${data.households[state.household].id}, ${TASKS[state.task].label.toLowerCase()}.`;
      if (!now.length) words = "The fused list is empty.";
      else if (shown && why === "weights") {
        const fresh = now.filter((item) => !shown.includes(item)).map(product);
        const gone = shown.filter((item) => !now.includes(item)).map(product);
        const same = now.every((item, place) => item === shown[place]);
        if (same) words = "The fused list stays as it is.";
        else if (!fresh.length && !gone.length) words = "The same ten products in another order.";
        else if (!gone.length) words = "The fused list is back.";
        else words = `In: ${fresh.join("; ")}. Out: ${gone.join("; ")}.`; // names hold commas
      } else if (why === "bought") {
        const hits = now.filter((item) => row().right.has(item)).length;
        words = state.bought ? `${hits} of the ${now.length} in the fused list were bought.` : "Hidden again.";
      }
      shown = now;
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        status.textContent = words;
      }, 250);
    };

    const write = () => {
      const parts = [`household=${data.households[state.household].id}`, `task=${state.task}`];
      parts.push(`weights=${state.parts.join(".")}`);
      if (state.bought) parts.push("bought=1");
      history.replaceState(null, "", `#${parts.join("&")}`);
    };

    const draw = (why) => {
      row().right = new Set(row().held_out.map(([item]) => item));
      root.dataset.task = state.task;
      root.dataset.household = data.households[state.household].id;
      if (why !== "weights" && why !== "bought") {
        drawHousehold();
        drawTask();
      }
      drawSliders();
      const ranked = drawFused();
      if (why !== "weights") drawLists();
      drawBought(ranked);
      tell(ranked, why);
    };
    const change = (why) => {
      draw(why);
      write();
    };

    // ---- the first script holds one list; all lists of a task are loaded when they are asked for -------

    const asked = new Map(); // who waits for a task's script
    const isComplete = (key) => Boolean(data[key]) && data[key].rows.length === data.households.length;
    const withRows = (key, then) => {
      if (isComplete(key)) {
        then();
        return;
      }
      if (asked.has(key)) {
        asked.get(key).push(then);
        return;
      }
      asked.set(key, [then]);
      const url = new URL(`explorer-${key}.js`, FILE);
      url.search = `?v=${data.versions[key]}`;
      const script = make("script", { src: url.href });
      script.addEventListener("load", () => {
        const { more } = data[key];
        if (more) ["products", "ever", "recent"].forEach((list) => data[list].push(...more[list]));
        asked.get(key).splice(0).forEach((run) => run());
      });
      script.addEventListener("error", () => {
        asked.delete(key);
        script.remove();
        status.textContent = "These lists could not be loaded.";
        drawHousehold();
        drawTask();
      });
      document.head.append(script);
    };
    const setTask = (key, then) =>
      withRows(key, () => {
        const learnt = isLearnt(state.parts);
        state.task = key;
        if (learnt) state.parts = [...task().weights];
        then();
      });

    /** Take the state from the address; what is missing or wrong there stays as it is. */
    const read = () => {
      const given = new URLSearchParams(location.hash.slice(1));
      if (!given.has("household")) return false;
      const place = Math.max(0, data.households.findIndex(({ id }) => String(id) === given.get("household")));
      const parts = (given.get("weights") || "").split(".").map(Number);
      const sound =
        given.has("weights") && parts.length === n_models &&
        parts.every((part) => Number.isInteger(part) && part >= 0 && part <= MOST);
      const key = given.get("task") === "new" ? "new" : "repeat";
      withRows(key, () => {
        Object.assign(state, { household: place, task: key, bought: given.get("bought") === "1" });
        state.parts = sound ? parts : [...task().weights];
        draw("address");
      });
      return true;
    };

    // ---- what the reader does ----------------------------------------------------------------------

    const choose = (place) => {
      const n = data.households.length;
      withRows(state.task, () => {
        state.household = (place + n) % n;
        open.clear();
        change("household");
      });
    };
    const weigh = (parts) => {
      state.parts = [...parts];
      change("weights");
    };
    select.addEventListener("change", () => choose(Number(select.value)));
    previous.addEventListener("click", () => choose(state.household - 1));
    next.addEventListener("click", () => choose(state.household + 1));
    radios.forEach(([key, input]) => input.addEventListener("change", () => setTask(key, () => change("task"))));
    sliders.forEach(({ input }, model) =>
      input.addEventListener("input", () =>
        weigh(state.parts.map((part, other) => (other === model ? Number(input.value) : part)))));
    learntButton.addEventListener("click", () => weigh(task().weights));
    equalButton.addEventListener("click", () => weigh(state.parts.map(() => MOST / 2)));
    only.addEventListener("change", () => {
      if (only.value !== "") weigh(state.parts.map((_, model) => (model === Number(only.value) ? MOST : 0)));
    });
    boughtButton.addEventListener("click", () =>
      withRows(state.task, () => {
        state.bought = !state.bought;
        change("bought");
      }));
    resetButton.addEventListener("click", () => {
      Object.assign(state, { household: 0, task: "repeat", parts: [...first.weights], bought: false });
      open.clear();
      draw("reset");
      history.replaceState(null, "", location.href.split("#")[0]);
    });
    window.addEventListener("hashchange", read);

    root.replaceChildren(choice, history_, make("div", { class: "x-desk" }, weights, fused), lists, bought);
    root.classList.add("x-ready");
    draw("start");
    read();
    // Who comes near will soon ask.
    ["pointerover", "focusin"].forEach((event) =>
      root.addEventListener(event, () => withRows("repeat", () => {}), { once: true }));
    data.rank = rank; // for whoever wants to check the order
    data.ndcg = ndcg;
  };

  const root = document.getElementById("household-explorer");
  if (!root) return;
  if (window.recbookExplorer && window.recbookExplorer.repeat) start(root, window.recbookExplorer);
  else root.append(make("p", { text: "The data of the explorer could not be loaded." }));
})();
