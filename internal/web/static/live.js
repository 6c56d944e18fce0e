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
      if (!here || here.innerHTML === part.innerHTML) continue;
      if (here.contains(document.activeElement)) continue; // do not take away what somebody is about to use
      const open = [...here.querySelectorAll("details")].map((d) => d.open);
      here.replaceChildren(...part.childNodes);
      here.querySelectorAll("details").forEach((d, i) => { d.open = open[i]; });
    }
  });
  addEventListener("pagehide", () => source.close());
})();
