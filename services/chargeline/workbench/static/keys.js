// Single keys: j and k move along rows or lines, x chooses, Enter opens, 1 to 9 open a question, t and
// m lead to times and messages, / finds. They act outside of fields only. Everything works without this file.
(function () {
  "use strict";

  const rows = () =>
    Array.from(document.querySelectorAll("table[data-keys=rows] tbody tr, table.lines tr:has(a.code)"));
  let at = -1;

  function move(step) {
    const all = rows();
    if (!all.length) return;
    at = Math.min(Math.max(at + step, 0), all.length - 1);
    const link = all[at].querySelector("a.first, a.code");
    if (link) link.focus();
  }

  function isField(target) {
    return target.closest("input:not([type=checkbox]), select, textarea") !== null;
  }

  document.addEventListener("keydown", function (event) {
    if (event.ctrlKey || event.metaKey || event.altKey || isField(event.target)) return;
    const all = rows();
    const here = all.findIndex((row) => row.contains(document.activeElement));
    if (here >= 0) at = here;
    if (event.key === "j") move(1);
    else if (event.key === "k") move(-1);
    else if (event.key === "x" && all[at]) {
      const box = all[at].querySelector("input[type=checkbox]");
      if (box) box.checked = !box.checked;
    } else if (/^[1-9]$/.test(event.key)) {
      const open = document.querySelector(`#q${event.key} a.open-it`);
      if (open) open.click();
    } else if (event.key === "t" && document.getElementById("times")) {
      location.hash = "times";
    } else if (event.key === "m" && document.getElementById("message")) {
      location.hash = "message";
    } else if (event.key === "/") {
      const find = document.getElementById("find");
      if (!find) return;
      event.preventDefault();
      find.focus();
    }
  });
})();
