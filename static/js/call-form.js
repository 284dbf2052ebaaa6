// The call form: shows the fields that a promise needs, and keeps what is written through a crash.
(() => {
  "use strict";
  const form = document.getElementById("call");
  if (!form) {
    return;
  }
  const place = window.keptDrafts.place(form.dataset.draft);
  const lines = document.getElementById("lines");
  const more = form.querySelector("[data-more]");

  const show = (node, yes) => {
    if (node) {
      node.hidden = !yes;
    }
  };
  const field = (line, name) => line.querySelector(`[name$="-${name}"]`);
  const mark = (select, name) => select?.selectedOptions[0]?.getAttribute(`data-${name}`) ?? "";
  const say = (node, words) => {
    if (node && node.textContent !== words) {
      node.textContent = words;
    }
    show(node, words !== "");
  };

  // Suggested words follow the kind and the channel until the agent writes other ones.
  const suggest = (line, kind, channel) => {
    const words = field(line, "words");
    const suggested = [...channel.options].flatMap((option) =>
      [...option.attributes].filter((one) => /^data-(send_|callback)/.test(one.name)).map((one) => one.value));
    const wanted = mark(channel, kind);
    if (wanted && words.value !== wanted && (words.value === "" || suggested.includes(words.value))) {
      words.value = wanted;
    }
  };

  const outcome = (line, kind, channel) => {
    const said = line.querySelector(".outcome");
    const refused = mark(channel, "refused");
    const due = mark(channel, kind === "written_answer" ? "answer" : "due");
    const words = ["", "callback"].includes(kind) ? "" : refused || due;
    said.classList.toggle("refused", refused !== "");
    say(said, words);
  };

  const arrange = (line) => {
    const kind = field(line, "kind").value;
    const channel = field(line, "channel");
    const chosen = field(line, "document").value;
    line.querySelectorAll("[data-for]").forEach((node) => {
      show(node, node.dataset.for.split(" ").includes(kind));
    });
    line.querySelectorAll("[data-by]").forEach((node) => {
      show(node, node.dataset.by.split(" ").includes(channel.value));
    });
    const waits = field(line, "after").value !== "";
    line.querySelectorAll("[data-when]").forEach((node) => {
      show(node, (node.dataset.when === "after") === waits);
    });
    show(field(line, "pdf").closest(".mb-3"), chosen === "new");
    suggest(line, kind, channel);
    say(line.querySelector(".sentence"), kind === "send_offer" ? mark(field(line, "offer"), "sentence") : "");
    outcome(line, kind, channel);
    line.dataset.arranged = "";
    // The key leads to the line that promises nothing yet, else to the button for another one.
    if (kind === "") {
      field(line, "kind").dataset.key = "p";
    } else {
      delete field(line, "kind").dataset.key;
    }
    return kind !== "";
  };

  // What the chosen campaign asks, of what the customer has not said yet.
  const ask = () =>
    form.querySelectorAll("[data-campaign]").forEach((node) => {
      show(node, node.dataset.campaign === form.elements.campaign.value);
    });

  const arrangeAll = () => {
    ask();
    const promised = [...lines.querySelectorAll(".line")].map(arrange);
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

  const kept = (one) =>
    one.name && one.type !== "file" && !["csrfmiddlewaretoken", "promises-TOTAL_FORMS"].includes(one.name);

  const write = () => {
    const fields = [...form.elements].filter(kept).map((one) => {
      const value = ["checkbox", "radio"].includes(one.type) ? one.checked : one.value;
      return [one.name, one.type === "radio" ? one.value : "", value];
    });
    const draft = { id: form.elements.form_id.value, lines: lines.children.length, fields };
    place.write(draft);
  };

  // A choice that is not on the menu any more leaves the field as the page has it.
  const put = (one, value) => {
    if (typeof value === "boolean") {
      one.checked = value;
    } else if (!one.options || [...one.options].some((option) => option.value === value)) {
      one.value = value;
    }
  };

  const restore = (draft) => {
    while (lines.children.length < Math.min(draft.lines, 5)) {
      addLine();
    }
    for (const [name, choice, value] of draft.fields) {
      if (["decision", "talk"].includes(name) && form.elements[name].value) {
        continue;
      }
      const one = choice
        ? [...form.querySelectorAll("[type=radio]")].find((radio) => radio.name === name && radio.value === choice)
        : form.elements[name];
      if (one && "value" in one) {
        put(one, value);
      }
    }
    show(form.querySelector(".draft"), true);
  };

  // The last line without a kind, else a new one.
  const promise = () => {
    const last = lines.lastElementChild;
    const line = field(last, "kind").value === "" || more.hidden ? last : addLine();
    field(line, "kind").focus();
  };

  form.querySelector("[data-forget]").addEventListener("click", () => {
    place.forget();
    location.reload();
  });
  more.addEventListener("click", promise);
  form.addEventListener("input", () => {
    arrangeAll();
    write();
  });
  form.addEventListener("change", arrangeAll);
  const draft = place.read();
  if (draft && form.dataset.saved === draft.id) {
    place.forget();
  } else if (draft && !form.dataset.bound) {
    restore(draft);
  }
  arrangeAll();
})();
