"use strict";

// Where people write, choose and hand files over. chat.js sends it.

const longest = Number(box.dataset.longest);
const form = box.form;
const label = form.querySelector("label");
const plainLabel = label.textContent;
const composing = (event) => event.isComposing || event.keyCode === 229; // Safari tells Enter of a candidate only so

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = whole(box.value.trim());
  if (text.length > longest) tell(say("too_long", { count: text.length, limit: longest }), 30_000);
  else if (text) sayIt(text);
  box.focus();
});

// Half a character, as a faulty keyboard leaves it, cannot be kept.
const whole = (text) => text.replace(/[\ud800-\udfff]/gu, "\ufffd");

function sayIt(text) {
  const revises = reworded;
  if (revises) {
    const isSame = wordsOf(revises) === text;
    stopRewording();
    if (!isSame) enqueue({ text, revises });
    return;
  }
  box.value = "";
  kept.drop("draft");
  enqueue({ text });
}

// What was not taken is not lost: it stands before what has been written since.
function giveBack(text) {
  kept.set("draft", [text, kept.get("draft")].filter(Boolean).join("\n"));
  if (!reworded) box.value = kept.get("draft");
}

box.addEventListener("keydown", (event) => {
  if (composing(event)) return;
  if (event.key === "Escape" && reworded) {
    event.stopPropagation(); // in a frame it would close the panel
    stopRewording();
  }
  if (event.key !== "Enter" || event.shiftKey) return;
  event.preventDefault();
  document.getElementById("send").click();
});

box.addEventListener("input", () => { if (!reworded) kept.set("draft", box.value); });

choices.addEventListener("click", (event) => {
  const pressed = event.target.closest("button");
  if (pressed) enqueue({ text: pressed.dataset.says, label: pressed.textContent.slice(0, 100) });
});

// --- Rewording: the words of a line come back into the box, and what is sent then stands in their place.

const REWORDED = 5; // of the newest lines; more buttons would stand in the way of whoever goes by keyboard
const rewording = document.getElementById("rewording");
let reworded = ""; // the id of the line whose words are in the box

const wordsOf = (id) => lines.get(id).line.wording?.text ?? lines.get(id).line.text;

function offerRewording() {
  const mine = [...log.querySelectorAll(".line.you")];
  const written = mine.filter(({ dataset: { id } }) => {
    const { line } = lines.get(id);
    return line.at && line.text && !line.pressed && !line.file && !line.isOver;
  });
  const offered = new Set(written.slice(-REWORDED));
  for (const made of mine) {
    const button = made.querySelector(".reword");
    if (!offered.has(made)) button?.remove();
    else if (!button) made.querySelector(".when").append(" ", rewordButton(made.dataset.id));
  }
}

// The conversation has ended: its lines stay to be read, and what was to stand in the place of one stays in the box.
function closeLines() {
  for (const { line } of lines.values()) line.isOver = true;
  const begun = reworded && box.value;
  if (reworded) stopRewording();
  if (begun) giveBack(begun);
  offerChoices();
}

function rewordButton(id) {
  const made = element("button", "as-link reword", words.change);
  made.type = "button";
  made.append(element("span", "hidden-text", ` ${wordsOf(id).slice(0, 40)}`));
  made.addEventListener("click", () => {
    reworded = id;
    rewording.hidden = false;
    label.textContent = words.other_words;
    box.value = wordsOf(id);
    box.focus();
  });
  return made;
}

function stopRewording() {
  reworded = "";
  rewording.hidden = true;
  label.textContent = plainLabel;
  box.value = kept.get("draft") ?? "";
}

rewording.addEventListener("click", () => {
  stopRewording();
  box.focus();
});

// --- Files

function sendFiles(files) {
  for (const one of files) {
    if (one.size > largest) {
      tell(say("too_large", { name: one.name, limit: Math.floor(largest / (1 << 20)) }), 15_000);
      continue;
    }
    const preview = PICTURE.test(one.name) ? URL.createObjectURL(one) : null;
    enqueue({ file: { name: whole(one.name.slice(-255)), size: one.size } }, one, preview);
  }
}

file.addEventListener("change", () => {
  sendFiles(file.files);
  file.value = "";
});

box.addEventListener("paste", (event) => { // office programs put a picture of the words beside them
  const { files } = event.clipboardData;
  if (!files.length || event.clipboardData.getData("text/plain")) return;
  event.preventDefault();
  sendFiles(files);
});

addEventListener("beforeunload", (event) => { // words are kept, the bytes of files are not
  if ([...queue.values()].some((one) => one.content)) event.preventDefault();
});

// Beside the box a file that is dropped would take the place of the page.
for (const kind of ["dragover", "drop"]) {
  addEventListener(kind, (event) => {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    if (kind === "drop") sendFiles(event.dataTransfer.files);
  });
}

// --- Leaving

document.getElementById("leave-now").addEventListener("click", () => {
  for (const key of kept.keys()) kept.drop(key);
  session = null;
  listening?.abort();
  queue.clear();
  unseen.clear();
  for (const { element } of lines.values()) element.remove();
  lines.clear();
  stopRewording();
  document.getElementById("leave").open = false;
  offerChoices();
  tell(words.cleared, 15_000);
  box.focus();
});
