// What an agent is writing, kept in the browser through a crash: by person and customer, for twelve
// hours at most. Nobody else's is read; saving and logging out forget it.
(() => {
  "use strict";
  const ROOM = "kept.call.";
  const LONGEST = 12 * 3600 * 1000;
  const store = () => {
    try {
      return window.localStorage;
    } catch {
      return null;
    }
  };

  const names = () => Object.keys(store() ?? {}).filter((name) => name.startsWith(ROOM));
  const drop = (name) => store()?.removeItem(name);

  const look = (name) => {
    try {
      return JSON.parse(store()?.getItem(name) ?? "null");
    } catch {
      return null;
    }
  };

  names()
    .filter((name) => !(Date.now() - (look(name)?.at ?? 0) < LONGEST))
    .forEach(drop);

  const place = (whose) => ({
    read: () => look(ROOM + whose),
    write: (draft) => {
      try {
        store()?.setItem(ROOM + whose, JSON.stringify({ ...draft, at: Date.now() }));
      } catch {
        // A full or forbidden store: the form works without it.
      }
    },
    forget: () => drop(ROOM + whose),
  });

  // Who logs out leaves nothing of theirs behind on a machine that others use.
  document.querySelectorAll("form[data-log-out]").forEach((form) =>
    form.addEventListener("submit", () =>
      names().filter((name) => name.startsWith(`${ROOM}${form.dataset.logOut}.`)).forEach(drop)));

  window.keptDrafts = { place };
})();
