// Keeps what is marked with data-live fresh. Pages work without it.
"use strict";
(() => {
  const live = document.querySelector("[data-events]");
  if (!live || !window.EventSource) return;
  const state = document.getElementById("live-state");
  const say = (text) => { if (state && state.textContent !== text) state.textContent = text; };
  const source = new EventSource(live.dataset.events);
  source.addEventListener("open", () => say("Live"));
  source.addEventListener("error", () => say("Not live: trying to connect again"));
  source.addEventListener("page", (event) => {
    const next = new DOMParser().parseFromString(event.data, "text/html");
    for (const part of next.querySelectorAll("[data-live]")) {
      const here = document.querySelector(`[data-live="${part.dataset.live}"]`);
      if (here && here.innerHTML !== part.innerHTML && !here.contains(document.activeElement)) here.replaceWith(document.adoptNode(part));
    }
  });
  addEventListener("pagehide", () => source.close());
})();
