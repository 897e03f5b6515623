"use strict";

const AGAIN_AFTER = 5000; // milliseconds

// What every page gains with scripts: one sending of a form, a print button, focus on what went wrong.

for (const form of document.querySelectorAll("form[data-once]")) {
  let sent = false;
  form.addEventListener("submit", (event) => {
    if (sent) event.preventDefault();
    sent = true;
    // Whoever stopped the loading may send again: the server knows the form by its token.
    setTimeout(() => { sent = false; }, AGAIN_AFTER);
  });
}

for (const button of document.querySelectorAll("[data-print]")) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

document.getElementById("problems")?.focus();

// A link to an action opens it.
function openTarget() {
  const target = location.hash.length > 1 && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target instanceof HTMLDetailsElement) {
    target.open = true;
    target.querySelector("summary").focus();
  }
}
window.addEventListener("hashchange", openTarget);
openTarget();
