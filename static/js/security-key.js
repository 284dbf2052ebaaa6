// Asks the browser for a security key, and sends its answer with the form.
(() => {
  "use strict";
  const ask = (form) =>
    form.dataset.keyCreate
      ? [form.dataset.keyCreate, "creation_options", window.webauthnJSON.create]
      : [form.dataset.keyGet, "request_options", window.webauthnJSON.get];

  document.querySelectorAll("form[data-key-create], form[data-key-get]").forEach((form) => {
    const answer = form.querySelector("[name=credential]");
    const failed = form.querySelector("[role=alert][hidden]");
    let answered = false;
    form.addEventListener("submit", async (event) => {
      if (answered) {
        return;
      }
      event.preventDefault();
      event.stopImmediatePropagation();
      failed.hidden = true;
      const [id, name, act] = ask(form);
      const options = JSON.parse(document.getElementById(id).textContent)[name];
      if (form.dataset.keyCreate) {
        options.publicKey.authenticatorSelection.residentKey = "discouraged";
        options.publicKey.authenticatorSelection.requireResidentKey = false;
      }
      try {
        answer.value = JSON.stringify(await act(options));
        answered = true;
        form.requestSubmit();
      } catch {
        failed.hidden = false;
      }
    });
  });
})();
