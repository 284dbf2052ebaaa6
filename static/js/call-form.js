// The call form: shows the fields that a promise needs, and keeps what is written through a crash.
(() => {
  "use strict";
  const form = document.getElementById("call");
  if (!form) {
    return;
  }
  const place = `kept.call.${form.dataset.draft}`;
  const lines = document.getElementById("lines");
  const due = form.querySelector(".due");
  const more = form.querySelector("[data-more]");

  const show = (node, yes) => {
    if (node) {
      node.hidden = !yes;
    }
  };

  // Suggested words follow the kind of promise until the agent writes other ones.
  const suggest = (words, kind) => {
    const suggested = [words.dataset.send_offer, words.dataset.send_document];
    if (suggested.includes(words.value) && words.dataset[kind]) {
      words.value = words.dataset[kind];
    }
  };

  const arrange = (line) => {
    const kind = line.querySelector("[name$=-kind]").value;
    const offer = line.querySelector("[name$=-offer]");
    const promised = kind !== "";
    suggest(line.querySelector("[name$=-words]"), kind);
    show(line.querySelector(".kept-offer"), kind === "send_offer");
    show(line.querySelector(".kept-new-offer"), kind === "send_offer" && offer.value === "new");
    show(line.querySelector(".kept-document"), kind === "send_document");
    show(line.querySelector(".kept-promised"), promised);
    return promised;
  };

  const arrangeAll = () => {
    const promised = [...lines.querySelectorAll(".line")].map(arrange);
    show(due, promised.some(Boolean));
    show(more, promised.every(Boolean) && promised.length < 5);
  };

  const addLine = () => {
    const total = form.querySelector("[name=promises-TOTAL_FORMS]");
    const copy = document.getElementById("empty-line").content.cloneNode(true);
    copy.querySelectorAll("*").forEach((node) => {
      for (const name of ["id", "name", "for", "aria-describedby"]) {
        const value = node.getAttribute(name);
        if (value) {
          node.setAttribute(name, value.replace("__prefix__", total.value));
        }
      }
    });
    lines.append(copy);
    total.value = Number(total.value) + 1;
    arrangeAll();
    return lines.lastElementChild;
  };

  const kept = (field) =>
    field.name && field.type !== "file" && !["csrfmiddlewaretoken", "promises-TOTAL_FORMS"].includes(field.name);

  const write = () => {
    const fields = [...form.elements].filter(kept).map((field) => {
      const value = ["checkbox", "radio"].includes(field.type) ? field.checked : field.value;
      return [field.name, field.type === "radio" ? field.value : "", value];
    });
    const draft = { id: form.elements.form_id.value, lines: lines.children.length, fields };
    try {
      localStorage.setItem(place, JSON.stringify(draft));
    } catch {
      // A full or forbidden store: the form works without it.
    }
  };

  const forget = () => localStorage.removeItem(place);

  const read = () => {
    try {
      return JSON.parse(localStorage.getItem(place) || "null");
    } catch {
      return null;
    }
  };

  const restore = (draft) => {
    while (lines.children.length < Math.min(draft.lines, 5)) {
      addLine();
    }
    for (const [name, choice, value] of draft.fields) {
      if (name === "decision" && form.elements.decision.value) {
        continue;
      }
      const field = choice
        ? [...form.querySelectorAll("[type=radio]")].find((one) => one.name === name && one.value === choice)
        : form.elements[name];
      if (field && typeof value === "boolean") {
        field.checked = value;
      } else if (field && "value" in field) {
        field.value = value;
      }
    }
    show(form.querySelector(".draft"), true);
  };

  form.querySelector("[data-forget]").addEventListener("click", () => {
    forget();
    location.reload();
  });
  more.addEventListener("click", () => addLine().querySelector("select").focus());
  form.addEventListener("input", () => {
    arrangeAll();
    write();
  });
  form.addEventListener("change", arrangeAll);
  document.addEventListener("keydown", (event) => {
    const field = event.target.closest("input, textarea, select");
    if (event.key === "c" && !field && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      form.elements.result.focus();
    }
  });

  const draft = read();
  if (draft && form.dataset.saved === draft.id) {
    forget();
  } else if (draft && !form.dataset.bound) {
    restore(draft);
  }
  arrangeAll();
})();
