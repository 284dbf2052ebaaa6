// Under a choice of plans: what the chosen one means for the customer, to be read aloud.
(() => {
  "use strict";
  const select = document.getElementById("id_plan");
  const said = select?.form.querySelector(".sentence");
  if (!select || !said) {
    return;
  }
  const say = () => {
    said.textContent = select.selectedOptions[0]?.getAttribute("data-sentence") ?? "";
    said.hidden = said.textContent === "";
  };
  select.addEventListener("change", say);
  say();
})();
