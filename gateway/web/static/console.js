"use strict";
// The console's keyboard and the live look-up. Everything here can be done without scripts, too.

const GO = { t: "/console/", d: "/console/deadlines", s: "/console/triage", i: "/console/inbound", o: "/console/notices",
  f: "/console/imports", r: "/console/replies" };
const LOOK_AFTER = 250; // milliseconds without a key
const SHORTEST_NUMBER = 5;

// --- Keys ------------------------------------------------------------------------------------------------------

let going = false;

function walk(step) {
  const rows = [...document.querySelectorAll("[data-walk] tbody tr")];
  if (!rows.length) return;
  const now = rows.findIndex((row) => row.classList.contains("here"));
  const next = now < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, now + step));
  rows[now]?.classList.remove("here");
  rows[next].classList.add("here");
  rows[next].querySelector("a")?.focus();
}

function openAction(place) {
  const action = document.querySelectorAll("details.act")[place];
  if (!action) return;
  action.open = true;
  (action.querySelector("input:not([type=hidden]), select, textarea, button") ?? action.querySelector("summary")).focus();
}

const KEYS = {
  "/": () => document.getElementById("search")?.focus(),
  n: () => location.assign("/console/calls/new"),
  j: () => walk(1),
  k: () => walk(-1),
  g: () => { going = true; setTimeout(() => { going = false; }, 1500); },
};

document.addEventListener("keydown", (event) => {
  const writing = event.target.closest?.("input, textarea, select");
  if (writing) {
    if (event.key === "Enter" && event.ctrlKey) writing.form?.requestSubmit();
    if (event.key === "Escape") writing.blur();
    return;
  }
  if (event.ctrlKey || event.altKey || event.metaKey) return;
  if (going) {
    going = false;
    if (GO[event.key]) location.assign(GO[event.key]);
    return;
  }
  const act = KEYS[event.key] ?? (/^[1-9]$/.test(event.key) ? () => openAction(Number(event.key) - 1) : null);
  if (act) {
    event.preventDefault();
    act();
  }
});

// --- Live look-up ----------------------------------------------------------------------------------------------

const found = document.getElementById("found");
const asked = document.querySelectorAll("[data-look]");
let waiting = 0;
let running = null;

async function look() {
  const query = new URLSearchParams();
  for (const input of asked) {
    if (input.value.replace(/\D/g, "").length >= SHORTEST_NUMBER) query.set(input.dataset.look, input.value);
  }
  running?.abort();
  if (![...query].length) {
    found.replaceChildren();
    return;
  }
  running = new AbortController();
  try {
    const answer = await fetch(`/console/calls/lookup?${query}`, { signal: running.signal, redirect: "error" });
    if (!answer.ok) return;
    // The fragment is our own and escaped by the server; a script in it would not run.
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    found.replaceChildren(...page.body.childNodes);
  } catch (error) {
    if (error.name !== "AbortError") found.replaceChildren();
  }
}

for (const input of asked) {
  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(look, LOOK_AFTER);
  });
}
