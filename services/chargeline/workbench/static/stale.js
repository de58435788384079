// Says aloud when a page that reads itself again could not: what stands there is then old. Without
// this file the page shows when it was read, and stays as it is.
(function () {
  "use strict";

  function tell() {
    const board = document.getElementById("board");
    const note = board && board.querySelector(".stale");
    const read = board && board.querySelector("#read time");
    if (!note || !read) return;
    board.classList.add("old");
    note.textContent = "Could not be read again. This is what it was at " + read.textContent + ".";
  }

  document.addEventListener("htmx:responseError", tell);
  document.addEventListener("htmx:sendError", tell);
})();
