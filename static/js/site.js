// What every page needs: menus that close, forms that are sent once. Nothing here changes data.
(() => {
  "use strict";
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
