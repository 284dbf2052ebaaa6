// The wall: what changed since the last look fades once, so that an eye across the room finds it.
(() => {
  "use strict";
  const PLACES = ".six > li, .newest > li";
  // A tile is known by its class, a promise by its reference.
  const name = (place) => place.querySelector(".figures")?.textContent ?? place.className.split(" ")[0];
  const said = () => new Map([...document.querySelectorAll(PLACES)].map((place) => [name(place), place.innerText]));

  let before = said();
  document.addEventListener("htmx:afterSwap", () => {
    const now = said();
    document.querySelectorAll(PLACES).forEach((place) => {
      place.classList.toggle("changed", before.get(name(place)) !== now.get(name(place)));
    });
    before = now;
  });
})();
