// One key for every action. The key stands on the element it works (data-key); the list behind `?`
// is made from what the page shows at that moment, so that it cannot say anything else.
(() => {
  "use strict";
  const WRITES = "input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=file]), textarea, select, [contenteditable]";
  const HELD = "kept.keys";
  const list = document.getElementById("keys");
  const writing = (node) => node instanceof Element && node.closest(WRITES);
  const seen = (node) => node.checkVisibility({ visibilityProperty: true }) && !node.disabled;
  const find = (key) => [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find(seen);

  // Who speaks to the browser, or whose screen reader has these keys, turns them off here.
  const off = () => {
    try {
      return localStorage.getItem(HELD) === "off";
    } catch {
      return false;
    }
  };

  const first = (place) => [...place.querySelectorAll(`${WRITES}, [type=checkbox], [type=radio]`)].find(seen);

  const act = (node) => {
    if (node.matches("summary")) {
      node.click();
      const open = node.parentElement.open;
      const inside = open && (first(node.parentElement) ?? node.parentElement.querySelector("a"));
      (inside || node).focus();
    } else if (node.matches(WRITES)) {
      node.focus();
      node.select?.();
    } else {
      node.focus();
      node.click();
    }
  };

  // What a row is for: its box to choose it, else its button, else its link.
  const stop = (row) =>
    ["input[type=checkbox]", ".btn", "a"].flatMap((kind) => [...row.querySelectorAll(kind)]).find(seen);

  // Row by row through the lists of the page: what each row is about gets the focus.
  const step = (by) => {
    const rows = [...document.querySelectorAll("[data-rows] > li, tbody[data-rows] > tr, [data-rows] > article")];
    const stops = rows.map(stop).filter(Boolean);
    const here = stops.findIndex((one) => one.closest("li, tr, article").contains(document.activeElement));
    const next = stops[here < 0 ? (by > 0 ? 0 : stops.length - 1) : here + by];
    if (next) {
      next.focus();
      next.scrollIntoView({ block: "nearest" });
    }
    return stops.length > 0;
  };

  const said = (node) => {
    if (node.dataset.says) {
      return node.dataset.says;
    }
    const copy = (node.labels?.[0] ?? node).cloneNode(true);
    copy.querySelectorAll("kbd, svg, .n").forEach((part) => part.remove());
    return copy.textContent.replace(/\s+/g, " ").trim() || node.value || node.title;
  };

  const line = (keys, words) => {
    const row = document.createElement("div");
    const name = row.appendChild(document.createElement("dt"));
    keys.forEach((key) => {
      name.append(Object.assign(document.createElement("kbd"), { textContent: key }), " ");
    });
    row.appendChild(document.createElement("dd")).textContent = words;
    return row;
  };

  const fill = () => {
    const nodes = [...document.querySelectorAll("[data-key]")].filter(seen);
    const known = new Set();
    const lines = { page: [], bar: [] };
    nodes.forEach((node) => {
      if (!known.has(node.dataset.key)) {
        known.add(node.dataset.key);
        lines[node.closest("header.bar") ? "bar" : "page"].push(line([node.dataset.key], said(node)));
      }
    });
    if (document.querySelector("[data-rows] a, [data-rows] button")) {
      lines.page.unshift(line(["j", "k"], list.dataset.rows));
    }
    if ([...document.querySelectorAll("main form")].some((form) => first(form))) {
      lines.page.push(line(["Ctrl", "Enter"], list.dataset.save), line(["Esc"], list.dataset.leave));
    }
    for (const [name, rows] of Object.entries(lines)) {
      const place = list.querySelector(`[data-list=${name}]`);
      place.replaceChildren(...rows);
      place.previousElementSibling.hidden = rows.length === 0;
    }
    list.querySelector("[data-off]").checked = off();
  };

  const show = () => {
    fill();
    list.showModal();
  };

  const mark = () =>
    document.querySelectorAll("[data-key]").forEach((node) => {
      if (off()) {
        node.removeAttribute("aria-keyshortcuts");
      } else {
        node.setAttribute("aria-keyshortcuts", node.dataset.key);
      }
    });

  const pressed = (event) => {
    if (event.key === "j" || event.key === "k") {
      return step(event.key === "j" ? 1 : -1);
    }
    const wanted = find(event.key);
    if (wanted) {
      act(wanted);
    }
    return Boolean(wanted);
  };

  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented || document.querySelector("dialog[open]")) {
      return;
    }
    const field = writing(event.target);
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.target.form?.requestSubmit();
    } else if (event.key === "Escape" && field && !(field.type === "search" && field.value)) {
      field.blur();
    } else if (!field && !event.ctrlKey && !event.metaKey && !event.altKey && !event.repeat && !off()) {
      if (pressed(event)) {
        event.preventDefault();
      }
    } else if (!field && event.repeat && "jk".includes(event.key) && !off()) {
      step(event.key === "j" ? 1 : -1);
    }
  });

  // What htmx puts in place of what had the focus: the same element has it again by its id; when
  // it is gone, the heading of its part of the page, so that nobody is thrown back to the top.
  let before = null;
  document.addEventListener("htmx:beforeSwap", (event) => {
    const focused = document.activeElement;
    const part = focused?.closest("#lamp, #live");
    before = part && event.detail.target ? part.id : null;
  });
  document.addEventListener("htmx:afterSettle", () => {
    mark();
    if (before && document.activeElement === document.body) {
      const part = document.getElementById(before);
      const rest = part?.closest("section")?.querySelector("h2[tabindex]") ?? part;
      rest?.focus({ preventScroll: true });
    }
    before = null;
  });

  if (list) {
    document.querySelectorAll("[data-keys]").forEach((button) => {
      button.hidden = false;
      button.addEventListener("click", show);
    });
    list.querySelector("[data-off]").addEventListener("change", (event) => {
      try {
        localStorage.setItem(HELD, event.target.checked ? "off" : "on");
      } catch {
        // A forbidden store: it holds until the page is left.
      }
      mark();
    });
  }
  mark();
})();
