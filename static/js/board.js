// The board: choose all rows, and say how many are chosen.
(() => {
  const form = document.getElementById("chosen");
  if (!form) return;
  const boxes = [...document.querySelectorAll("input[form=chosen][name=promise]")];
  const all = document.querySelector("[data-choose-all]");
  const told = form.querySelector("[data-chosen]");
  const count = () => {
    const number = boxes.filter((box) => box.checked).length;
    told.hidden = !number;
    told.textContent = `${number} / ${boxes.length}`;
    if (all) {
      all.checked = number === boxes.length;
      all.indeterminate = number > 0 && number < boxes.length;
    }
  };
  if (all) {
    all.hidden = false;
    all.addEventListener("change", () => {
      boxes.forEach((box) => { box.checked = all.checked; });
      count();
    });
  }
  boxes.forEach((box) => box.addEventListener("change", count));
  count();
})();
