// Keys that work on every page. Nothing here changes data by itself.
(() => {
  "use strict";
  const writing = (node) => node.closest("input, textarea, select, [contenteditable]");

  const showKeys = () => {
    const list = document.getElementById("keys");
    if (list) {
      list.showModal();
    }
  };

  document.querySelectorAll("[data-keys]").forEach((button) => button.addEventListener("click", showKeys));

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      const form = event.target.closest("form");
      if (form && writing(event.target)) {
        form.requestSubmit();
      }
      return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || writing(event.target)) {
      return;
    }
    if (event.key === "/") {
      const field = document.getElementById("find");
      if (field) {
        event.preventDefault();
        field.focus();
        field.select();
      }
    } else if (event.key === "?") {
      event.preventDefault();
      showKeys();
    } else if (/^[a-z]$/.test(event.key)) {
      const wanted = document.querySelector(`[data-key="${event.key}"]`);
      if (wanted) {
        event.preventDefault();
        wanted.click();
      }
    }
  });

  // A menu closes when one looks elsewhere.
  const menus = () => document.querySelectorAll("details[data-closes][open]");
  document.addEventListener("click", (event) => {
    menus().forEach((menu) => menu.contains(event.target) || menu.removeAttribute("open"));
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      menus().forEach((menu) => {
        menu.removeAttribute("open");
        menu.querySelector("summary").focus();
      });
    }
  });

  // A double click sends a form once; the server would save it once all the same.
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method === "dialog") {
      return;
    }
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    setTimeout(() => delete form.dataset.sent, 4000);
  });

  const wrong = document.getElementById("wrong");
  if (wrong) {
    wrong.focus();
  }
})();
