// Single keys, as the foot of each page names them: j and k move along rows or lines, x chooses one and
// X all up to it, Enter opens, 1 to 9 open a question, [ and ] lead to the visits beside this one in the
// list, g and a letter to a screen. What an element with data-key does, its key does: a field is gone to,
// what is closed is opened, anything else is done. One that stands in a row acts with the focus in that
// row only, and none that records something acts while an answer or a reason is being written. Ctrl and
// Enter in a field press the first button of its form, as Enter does. Single keys act outside of fields
// only, and whoever wants none turns them off, which the browser remembers. Everything works without
// this file.
(function () {
  "use strict";

  const OFF = "chargeline.keys.off";
  const LIST = "chargeline.list";
  let at = -1;
  let chosen = -1;
  let goes = false;

  const rows = () =>
    Array.from(document.querySelectorAll("table[data-keys=rows] tbody tr, table.lines tr:has(a.code)"));
  const boxOf = (row) => row.querySelector("input[type=checkbox]");

  // What the browser keeps for us; it may be told to keep nothing.
  function kept(storage, name) {
    try {
      return window[storage].getItem(name);
    } catch (_error) {
      return null;
    }
  }

  function keep(storage, name, value) {
    try {
      window[storage].setItem(name, value);
    } catch (_error) {
      document.documentElement.dataset.keepsNothing = "yes";
    }
  }

  function forgetAll() {
    try {
      window.sessionStorage.clear();
    } catch (_error) {
      document.documentElement.dataset.keepsNothing = "yes";
    }
  }

  function move(step) {
    const all = rows();
    if (!all.length) return;
    at = Math.min(Math.max(at + step, 0), all.length - 1);
    const link = all[at].querySelector("a.first, a.code");
    if (link) link.focus();
  }

  function choose(all, last) {
    const box = all[last] && boxOf(all[last]);
    if (!box) return;
    box.checked = !box.checked;
    chosen = last;
  }

  function chooseTo(all, last) {
    const first = Math.max(chosen, 0);
    all.slice(Math.min(first, last), Math.max(first, last) + 1).forEach((row) => {
      const box = boxOf(row);
      if (box) box.checked = true;
    });
    chosen = last;
  }

  const none = { session: "", address: "", visits: [] };
  const list = () => JSON.parse(kept("sessionStorage", LIST) || "null") || none;

  function beside(step) {
    const visits = list().visits;
    const here = visits.indexOf(location.pathname);
    const address = here < 0 ? undefined : visits[here + step];
    if (address) location.assign(address);
  }

  function act(element) {
    if (element.matches("summary")) {
      element.parentElement.open = true;
      const field = element.parentElement.querySelector("input:not([type=hidden])");
      (field || element).focus();
    } else if (element.matches("section")) location.hash = element.id;
    else if (element.matches("input, select")) element.focus();
    else element.click();
  }

  function keyed(key, row) {
    const wanted = `[data-key="${CSS.escape(key)}"]`;
    const all = Array.from(document.querySelectorAll(wanted));
    const element = all.find((one) => !one.closest("tbody") || (row && row.contains(one)));
    const writes = document.querySelector(".answer form, tr.saying form") !== null;
    return element && writes && element.matches("button") ? undefined : element;
  }

  function isField(target) {
    return target.closest("input:not([type=checkbox]):not([type=radio]), select, textarea") !== null;
  }

  function pressed(event) {
    if (event.ctrlKey && event.key === "Enter") {
      const field = event.target.closest("input:not([type=checkbox]), select, textarea");
      const button = field && field.form && field.form.querySelector("button[type=submit]");
      if (button && field.form.method === "post") field.form.requestSubmit(button);
      return;
    }
    const writesSign = event.getModifierState("AltGraph");
    if ((!writesSign && (event.ctrlKey || event.altKey)) || event.metaKey || isField(event.target)) return;
    if (kept("localStorage", OFF)) return;
    const all = rows();
    const here = all.findIndex((row) => row.contains(document.activeElement));
    if (here >= 0) at = here;
    const went = goes;
    goes = event.key === "g" && !went;
    if (goes) return;
    if (went) {
      const screen = document.querySelector(`[data-go="${CSS.escape(event.key)}"]`);
      if (screen) screen.click();
    } else if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "x") choose(all, at);
    else if (event.key === "X") chooseTo(all, at);
    else if (event.key === "[") beside(-1);
    else if (event.key === "]") beside(1);
    else if (/^[1-9]$/.test(event.key)) {
      const open = document.querySelector(`#q${event.key} a.open-it`);
      if (open) open.click();
    } else {
      const element = keyed(event.key, all[at]);
      if (!element) return;
      event.preventDefault();
      act(element);
    }
  }

  // The list of work is where the visits beside one are looked for. It is of one session: the page that
  // asks who it is has none, and in another tab of a shared machine another person may have logged in.
  const session = document.body.dataset.session;
  if (list().session !== session) forgetAll();
  if (document.querySelector("table[data-list]")) {
    const links = Array.from(document.querySelectorAll("table[data-list] a.first"));
    const visits = links.map((link) => link.pathname);
    const address = location.pathname + location.search;
    keep("sessionStorage", LIST, JSON.stringify({ session, address, visits }));
  }
  const up = document.querySelector("a[data-key=Backspace]");
  if (up && list().visits.includes(location.pathname)) up.href = list().address;

  const turn = document.getElementById("keys-off");
  if (turn) {
    const tell = () => {
      turn.textContent = kept("localStorage", OFF) ? "Turn keys on" : "Turn keys off";
      document.querySelector("footer.keys").classList.toggle("off", Boolean(kept("localStorage", OFF)));
    };
    turn.addEventListener("click", () => {
      keep("localStorage", OFF, kept("localStorage", OFF) ? "" : "yes");
      tell();
    });
    turn.hidden = false;
    tell();
  }
  document.addEventListener("keydown", pressed);
  document.addEventListener("change", (event) => {
    if (event.target.matches("input[type=checkbox]"))
      chosen = rows().findIndex((row) => row.contains(event.target));
  });
})();
