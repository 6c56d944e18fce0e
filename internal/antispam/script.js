// Sends the forms of this page that say data-dealbell="NAME", without leaving
// the page. Where this script does not run, they are posted as any form is.
function dealbell(settings) {
  "use strict";
  const ours = 'form[data-dealbell="' + settings.form + '"]';
  const me = document.currentScript;
  if (!me || !window.fetch || !FormData.prototype.forEach) return;
  const base = me.src.slice(0, me.src.lastIndexOf("/forms/"));
  const tickets = base + "/forms/" + settings.form + "/token";
  const plain = {cache: "no-store", credentials: "omit"};
  const states = new WeakMap();
  const pause = (ms) => new Promise((done) => setTimeout(done, ms));
  const attributes = (e, all) => Object.keys(all).forEach((name) => e.setAttribute(name, all[name]));

  // prepare puts the honeypot into a form that has none.
  function prepare(form) {
    if (states.has(form)) return states.get(form);
    const state = {ticket: null, until: 0, body: null};
    states.set(form, state);
    if (!form.querySelector('[name="' + settings.honeypot + '"]')) {
      const box = form.appendChild(document.createElement("div"));
      box.setAttribute("aria-hidden", "true");
      box.style.cssText = "position:absolute;width:1px;height:1px;overflow:hidden;clip:rect(0,0,0,0);opacity:0";
      attributes(box.appendChild(document.createElement("input")),
        {name: settings.honeypot, tabindex: -1, autocomplete: "off", "data-lpignore": true, "data-1p-ignore": true});
    }
    return state;
  }

  function timed(url, options) {
    if (!window.AbortController) return fetch(url, options);
    const limit = new AbortController();
    setTimeout(() => limit.abort(), 20000);
    return fetch(url, Object.assign({signal: limit.signal}, options));
  }

  // obtain promises a ticket: a new one where the last gets old, null where
  // none is to be had. The time to fill the form in begins now.
  function obtain(state) {
    if (!state.ticket || Date.now() > state.until) {
      state.until = Infinity;
      state.ticket = timed(tickets, plain).then((r) => r.ok ? r.json() : Promise.reject()).then((t) => {
        state.reached = true;
        state.until = Date.now() + t.expires * 0.8;
        t.wait += 50;
        t.ready = Date.now() + t.wait;
        t.proof = t.work ? solve(t.work) : "";
        return t;
      }).catch(() => state.ticket = null);
    }
    return state.ticket;
  }

  const H = [], K = [], w = new Int32Array(64);
  for (let n = 2, d; K.length < 64; n++) {
    for (d = 2; n % d; d++);
    if (d < n) continue;
    if (H.length < 8) H.push(Math.pow(n, 1 / 2) * 4294967296 | 0);
    K.push(Math.pow(n, 1 / 3) * 4294967296 | 0);
  }
  const turn = (x, n) => x >>> n | x << 32 - n;

  // hashes tells whether the SHA-256 of at most 55 letters begins with two
  // words. crypto.subtle is slower for so little, and missing without TLS.
  function hashes(text, one, two) {
    w.fill(0, 0, 16);
    for (let i = 0; i < text.length; i++) w[i >> 2] |= text.charCodeAt(i) << 24 - i % 4 * 8;
    w[text.length >> 2] |= 128 << 24 - text.length % 4 * 8;
    w[15] = text.length * 8;
    let a = H[0], b = H[1], c = H[2], d = H[3], e = H[4], f = H[5], g = H[6], h = H[7];
    for (let i = 0; i < 64; i++) {
      if (i > 15) {
        const x = w[i - 15], y = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (turn(x, 7) ^ turn(x, 18) ^ x >>> 3) + (turn(y, 17) ^ turn(y, 19) ^ y >>> 10);
      }
      const p = h + (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + (e & f ^ ~e & g) + K[i] + w[i];
      const q = (turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + (a & b ^ a & c ^ b & c);
      h = g; g = f; f = e; e = d + p | 0; d = c; c = b; b = a; a = p + q | 0;
    }
    return (a + H[0] | 0) === one && (b + H[1] | 0) === two;
  }

  // solve does the work in slices that nobody feels.
  function solve(work) {
    const word = (i) => parseInt(work.challenge.slice(i, i + 8), 16) | 0, one = word(0), two = word(8);
    work.number = 0;
    return new Promise((done) => {
      (function slice() {
        const stop = Date.now() + 12;
        do {
          for (let i = 0; i < 100; i++, work.number++) {
            if (hashes(work.salt + work.number, one, two)) return done(btoa(JSON.stringify(work)));
          }
        } while (Date.now() < stop);
        work.number > work.maxNumber ? done("") : setTimeout(slice);
      })();
    });
  }

  function read(form, button) {
    const fields = Object.create(null), data = new FormData(form);
    if (button && button.name) data.append(button.name, button.value);
    data.forEach((value, name) => {
      if (value instanceof File) value = value.name && "file " + value.name;
      fields[name] = name in fields ? [].concat(fields[name], value) : value;
    });
    return JSON.stringify(fields);
  }

  // post tries twice where that may help; the key makes it one lead.
  function post(headers, body, again) {
    const retry = (s) => pause(s * 1000).then(() => post(headers, body));
    return timed(base + settings.path, {method: "POST", headers, body, credentials: "omit"}).then((r) => {
      const after = +r.headers.get("Retry-After") || 2;
      return again && after <= 30 && (r.status === 429 || r.status >= 500) ? retry(after) : r;
    }, () => again ? retry(2) : Promise.reject());
  }

  function send(form, button) {
    const state = prepare(form), body = read(form, button);
    if (state.buttons) return; // it is on its way
    if (state.body !== body) {
      if (state.body) state.ticket = null; // it may be used up by what was sent before
      state.body = body;
      state.key = Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => (b + 256).toString(16).slice(1)).join("");
    }
    state.buttons = Array.from(form.querySelectorAll("button,input[type=submit],input[type=image]")).filter((b) => !b.disabled);
    state.buttons.forEach((b) => b.disabled = true);
    form.setAttribute("aria-busy", "true");
    say(form, "");
    const headers = {"Content-Type": "application/json", "Idempotency-Key": state.key};
    obtain(state).then((t) => t || obtain(state)).then((t) => t && Promise.all([t.proof, pause(Math.min(t.wait, t.ready - Date.now()))]).then((all) => {
      headers["X-Form-Token"] = t.token;
      headers["X-Form-Work"] = all[0];
    })).then(() => post(headers, body, true)).then((r) => r.json().catch(() => ({})).then((said) => {
      free(form, state);
      if (r.status < 429) state.body = null; // settled
      r.ok ? sent(form, state, said) : failed(form, button, r.status, said);
    }), () => {
      // Dealbell may be there and not know this site: then a plain post is held.
      const there = state.reached ? Promise.reject() : fetch(tickets, {mode: "no-cors"});
      return there.then(() => {
        attributes(form, {action: base + settings.path, method: "post"});
        HTMLFormElement.prototype.submit.call(form);
      }, () => {
        free(form, state);
        failed(form, button, 0, {});
      });
    });
  }

  function free(form, state) {
    state.buttons.forEach((b) => b.disabled = false);
    state.buttons = null;
    form.removeAttribute("aria-busy");
  }

  const tell = (form, name, detail) => form.dispatchEvent(new CustomEvent(name, {bubbles: true, cancelable: true, detail}));

  function sent(form, state, said) {
    state.ticket = null;
    HTMLFormElement.prototype.reset.call(form);
    if (!tell(form, "dealbell:sent", {id: said.id})) return;
    const to = document.createElement("a");
    to.href = form.getAttribute("data-thanks") || "#";
    if (form.hasAttribute("data-thanks") && /^https?:$/.test(to.protocol)) return location.assign(to.href);
    const thanks = "[data-dealbell-thanks]";
    let box = form.querySelector(thanks) || document.querySelector(thanks);
    if (!box) {
      box = form.parentNode.insertBefore(document.createElement("p"), form);
      box.textContent = "Thank you. Your message was sent.";
    }
    attributes(box, {role: "status", tabindex: -1});
    box.removeAttribute("hidden");
    if (!form.contains(box)) form.style.display = "none";
    box.focus();
  }

  function failed(form, button, status, said) {
    if (!tell(form, "dealbell:failed", {status, detail: said.detail, field: said.field})) return;
    const field = said.field && form.querySelector('[name="' + CSS.escape(said.field) + '"]');
    say(form, status > 399 && status < 429 && said.detail || form.getAttribute("data-error") ||
      "Your message could not be sent. Nothing you typed is lost: please try again in a minute.");
    (field || button || form).focus();
  }

  function say(form, text) {
    let box = form.querySelector("[data-dealbell-error]");
    if (!box && !text) return;
    box = box || form.appendChild(document.createElement("p"));
    attributes(box, {role: "alert", "data-dealbell-error": ""});
    box.hidden = !text;
    box.textContent = text;
  }

  const wake = (event) => {
    const form = event.target.form;
    if (form && form.matches(ours)) obtain(prepare(form));
  };
  const start = () => document.querySelectorAll(ours).forEach(prepare);
  document.readyState === "loading" ? document.addEventListener("DOMContentLoaded", start) : start();
  document.addEventListener("focusin", wake);
  document.addEventListener("input", wake);
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented || !event.target.matches(ours)) return;
    event.preventDefault();
    send(event.target, event.submitter);
  });
}
