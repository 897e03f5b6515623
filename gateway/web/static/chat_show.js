"use strict";

// What a chat shows, and what this browser keeps of it. chat_box.js is what people do, chat.js says and hears.

const root = document.getElementById("chat");
const log = document.getElementById("log");
const choices = document.getElementById("choices");
const state = document.getElementById("state");
const box = document.getElementById("words");
const file = document.getElementById("file");
const words = JSON.parse(root.dataset.words);
const locale = document.documentElement.lang;
const framed = "framed" in root.dataset;
const largest = Number(root.dataset.largest);
const title = document.title;
const first = [...choices.children]; // the buttons before anything was said

const say = (name, values = {}) => words[name].replace(/\{(\w+)\}/g, (_, key) => values[key]);

// --- What this browser keeps; where it keeps nothing, the page does.

const PREFIX = `complaint-chat:${root.dataset.base}:`;
const inPage = new Map();
const kept = {
  get(key) {
    if (inPage.has(key)) return inPage.get(key);
    try { return localStorage.getItem(PREFIX + key); } catch { return null; }
  },
  set(key, value) { // it may be full, too
    inPage.delete(key);
    try { localStorage.setItem(PREFIX + key, value); } catch { inPage.set(key, value); }
  },
  drop(key) {
    inPage.delete(key);
    try { localStorage.removeItem(PREFIX + key); } catch { /* it is not there */ }
  },
  keys() {
    const all = [...inPage.keys()].map((key) => PREFIX + key);
    try { all.push(...Object.keys(localStorage)); } catch { /* then only those */ }
    return all.filter((key) => key.startsWith(PREFIX)).map((key) => key.slice(PREFIX.length));
  },
};

// --- What is shown

const lines = new Map(); // id -> {line, element}

function element(tag, className, text = "") {
  const made = document.createElement(tag);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

// Not the point or bracket that ends a sentence around it.
const LINK = /(https?:\/\/[^\s<>"'，。；）)]*[^\s<>"'，。；）).,;:!?])/;

function withLinks(text) {
  const made = element("p", "text");
  made.dir = "auto"; // Uyghur and Arabic run from the right
  for (const part of text.split(LINK)) {
    if (/^https?:\/\//.test(part)) {
      const link = element("a", "", part);
      link.href = part;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      made.append(link);
    } else made.append(part);
  }
  return made;
}

function time(at) {
  const when = new Date(at);
  const isToday = when.toDateString() === new Date().toDateString();
  const day = isToday ? {} : { year: "numeric", month: "2-digit", day: "2-digit" };
  return new Intl.DateTimeFormat(locale, { ...day, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(when);
}

function size(bytes) {
  return bytes < 1 << 20 ? `${Math.max(1, Math.round(bytes / 1024))} KB` : `${(bytes / (1 << 20)).toFixed(1)} MB`;
}

function whenOf(line) {
  const now = line.wording ?? line;
  if (now.problem) return `${line.wording ? words.not_changed : words.not_sent}: ${now.problem}`;
  if (!now.at && !now.sent) return words.sending;
  const when = time(line.at ?? line.sent);
  return line.wording || line.rewordedAt ? `${when} · ${words.changed}` : when;
}

function shown(line) {
  const made = element("div", `line ${line.by}`);
  made.dataset.id = line.id;
  made.append(element("span", "hidden-text", `${words[line.by]}: `));
  if (line.text) made.append(withLinks(line.text));
  if (line.file) made.append(shownFile(line));
  if (line.choices?.length) {
    const labels = line.choices.map((one) => one.label).join(locale === "en" ? ", " : "、");
    made.append(element("span", "hidden-text", say("choices", { labels })));
  }
  const when = element("p", "when");
  when.append(element("span", "at"));
  made.append(when);
  return made;
}

// Show a line, or what became of it. One of the server has its time and place; others stand at the end until they are
// refused. An element that is there is changed, not made anew: a screen reader would read it again.
function put(line) {
  if (lines.has(line.revises)) return reword(line);
  const known = lines.get(line.id);
  if (known?.line.at) return false;
  const all = { ...known?.line, problem: "", ...line };
  const made = known?.element ?? shown(all);
  told(all, made);
  if (known && all.at && all.file) made.querySelector(".file").append(" ", saveButton(all));
  lines.set(line.id, { line: all, element: made });
  let next = null;
  for (let child = log.lastElementChild; all.at && child; child = child.previousElementSibling) {
    if (child === made) continue;
    const other = lines.get(child.dataset.id)?.line;
    if (!other || other.problem || (other.at && other.at <= all.at)) break;
    next = child;
  }
  if (!made.isConnected || (all.at && made.nextElementSibling !== next)) log.insertBefore(made, next);
  return true;
}

// Show other words in the place of a line: `wording` are those that are on their way, or were refused.
function reword(line) {
  const { line: known, element: made } = lines.get(line.revises);
  if (lines.has(line.id)) { // after a reload it stood by itself until now
    lines.get(line.id).element.remove();
    lines.delete(line.id);
  }
  if (line.at) {
    if (line.at >= (known.rewordedAt ?? "")) Object.assign(known, { text: line.text, rewordedAt: line.at });
    if (known.wording?.id === line.id) known.wording = null;
  } else if (line.text) known.wording = line;
  else if (known.wording?.id === line.id) Object.assign(known.wording, line);
  const text = withLinks(known.wording && !known.wording.problem ? known.wording.text : known.text);
  if (made.querySelector(".text").textContent !== text.textContent) {
    made.querySelector(".text").replaceWith(text);
    made.querySelector(".reword")?.remove(); // its name is of the old words
  }
  told(known, made);
  return false;
}

// When it was said, or what became of it.
function told(line, made) {
  const when = whenOf(line);
  const shown = made.querySelector(".at");
  if (shown.textContent !== when) shown.textContent = when;
  made.classList.toggle("refused", Boolean((line.wording ?? line).problem));
}

const isAtEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80;

// As far down as there is something, but not past the beginning of what is new.
function scrollTo(first = null) {
  log.scrollTop = first ? Math.min(log.scrollHeight, first.offsetTop - 8) : log.scrollHeight;
}

function offerChoices() {
  let offered = [];
  for (const child of [...log.querySelectorAll("[data-id]")].reverse()) {
    const { line } = lines.get(child.dataset.id);
    if (line.by === "you") break;
    if (line.choices?.length) { offered = line.choices; break; }
  }
  const hadFocus = choices.contains(document.activeElement);
  choices.replaceChildren(...(lines.size ? offered.map(button) : first));
  choices.hidden = !choices.children.length;
  offerRewording();
  if (hadFocus) (matchMedia("(pointer: coarse)").matches ? log : box).focus();
}

function button(choice) {
  const made = element("button", "second", choice.label);
  made.type = "button";
  made.dataset.says = choice.says;
  return made;
}

let toldFor = 0;
function tell(text, forTime = 0) {
  clearTimeout(toldFor);
  if (state.textContent !== text) state.textContent = text;
  if (forTime) toldFor = setTimeout(() => { state.textContent = ""; }, forTime);
}

// --- Files: shown from what was chosen here, else fetched with the session's token, never by an address alone.

const PICTURE = /\.(?:jpe?g|png|gif|webp|bmp)$/i;

function shownFile(line) {
  const made = element("p", "file");
  const named = say("file", { name: line.file.name, size: size(line.file.size) });
  if (line.preview && PICTURE.test(line.file.name)) {
    const picture = element("img");
    picture.src = line.preview;
    picture.alt = named;
    made.append(picture);
  } else made.append(named);
  if (line.at) made.append(" ", saveButton(line));
  return made;
}

function saveButton(line) {
  const made = element("button", "as-link", say("save", { name: line.file.name }));
  made.type = "button";
  made.addEventListener("click", () => fetchFile(line));
  return made;
}

async function fetchFile(line) {
  try {
    const response = await ask(`${root.dataset.base}/files/${line.id}`, { headers: mine() }, FILE_WITHIN);
    const link = element("a");
    link.href = URL.createObjectURL(await response.blob());
    link.download = line.file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch {
    tell(words.gone, 10_000);
  }
}
