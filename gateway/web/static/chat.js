"use strict";

// A conversation with those who take complaints in: saying and hearing. chat_show.js and chat_box.js stand before it.
// What was said stands on the server; this browser keeps the session, what is not sent yet, and a draft. Each message
// has an id made here, so sending it twice has one effect.

const SEND_WITHIN = 60_000; // milliseconds, as all times here
const FILE_WITHIN = 300_000;
const FIRST_BYTES_WITHIN = 10_000; // then something between us holds the stream back
const SILENT_AT_MOST = 45_000; // a living stream shows itself every 15 seconds
const ASK_EVERY = 4_000;
const ASK_EVERY_UNWATCHED = 30_000;
const STREAM_AGAIN_AFTER = 600_000;
const LONGEST_PAUSE = 30_000;

const sleep = (time) => new Promise((resolve) => setTimeout(resolve, time));

let session = JSON.parse(kept.get("session") ?? "null");

function remember(opened) {
  session = opened;
  kept.set("session", JSON.stringify(opened));
}

async function sessionOrNew() {
  if (session) return session;
  const response = await ask(`${root.dataset.base}/sessions`, { method: "POST" }, SEND_WITHIN);
  const opened = await response.json();
  if (!opened.token) throw new Error("not ours");
  const other = JSON.parse(kept.get("session") ?? "null"); // another window was faster
  remember(other ?? opened);
  listening?.abort(); // it may hear the conversation before
  listen();
  return session;
}

// --- Asking the server: an error says whether to wait, to begin anew, or that it is refused.

class Refused extends Error {}
class Ended extends Error {}
class Later extends Error {
  constructor(seconds) { super(); this.seconds = seconds; }
}

function until(time) { // browsers of 2021 have no AbortSignal.timeout
  const limit = new AbortController();
  setTimeout(() => limit.abort(), time);
  return limit.signal;
}

// Pages that others put between us, such as a sign-in to a wireless network, answer too: only our own answers count.
async function ask(address, options, within) {
  const headers = { "Accept": "application/json", "Accept-Language": locale, ...options.headers };
  const response = await fetch(address, {
    ...options, headers, cache: "no-store", credentials: "same-origin", signal: until(within),
  });
  if (!response.ok) throw await failure(response);
  return response;
}

async function failure(response) {
  const wait = Number(response.headers.get("Retry-After"));
  if (response.status === 429 || response.status === 408 || response.status >= 500) return new Later(wait || 10);
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) return problem.type?.endsWith("session-ended") ? new Ended() : new Later(wait || 10);
  const reason = response.status === 413 ? words.large : String(response.status); // a proxy before us knows no words
  return new Refused(problem.errors?.[0]?.reason ?? problem.title ?? reason);
}

const mine = () => ({ "X-Chat-Session": session.token });

async function push(message, content) {
  const parts = [JSON.stringify({ account: session.account, ...message })];
  if (content) parts.push("\n", content);
  const headers = { ...mine(), "Content-Type": content ? "application/octet-stream" : "application/json" };
  const options = { method: "POST", headers, body: new Blob(parts) };
  const response = await ask(root.dataset.door, options, content ? FILE_WITHIN : SEND_WITHIN);
  if (!Array.isArray((await response.json()).taken)) throw new Error("not ours");
}

// --- Saying: a queue that is emptied in order, and is still there after a reload.

const queue = new Map(); // id -> {message, content}
let isSending = false;

const fresh = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(15));
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-").replaceAll("/", "_");
};

function enqueue(message, content = null, preview = null) {
  const made = { type: "message", id: fresh(), locale, ...message };
  queue.set(made.id, { message: made, content });
  kept.set(`unsent:${String(Date.now()).padStart(15, "0")}:${made.id}`, JSON.stringify(made));
  pending(made, preview);
  send();
}

function pending({ id, text, label, file, revises }, preview = null) {
  put({ id, by: "you", text: label || text || "", pressed: Boolean(label), file, preview, revises });
  offerChoices();
  scrollTo();
}

function settle(id) {
  queue.delete(id);
  for (const key of kept.keys()) if (key.endsWith(`:${id}`)) kept.drop(key);
}

async function send() {
  if (isSending) return;
  isSending = true;
  let pause = 1_000;
  while (queue.size) {
    const [id, { message, content }] = queue.entries().next().value;
    const became = (what) => { // the line may be cleared by now
      if (lines.has(id) || lines.has(message.revises)) put({ id, by: "you", revises: message.revises, ...what });
    };
    try {
      await sessionOrNew();
      if (!queue.has(id)) continue; // cleared meanwhile
      await push(message, content);
      settle(id);
      became({ sent: Date.now() });
      pause = 1_000;
      if (state.dataset.why === "sending") said("", "");
    } catch (error) {
      if (error instanceof Ended) {
        if (message.revises) { // of a line of the old conversation: in a new one it would be a complaint of its own
          settle(id);
          became({ problem: words.ended });
          giveBack(message.text);
        }
        end();
        await sleep(1_000);
      } else if (error instanceof Refused) {
        settle(id);
        became({ problem: error.message });
        if (message.text && !message.label) giveBack(message.text);
        offerChoices();
        tell(say("refused", { reason: error.message }), 15_000);
      } else {
        if (content && queue.delete(id)) queue.set(id, { message, content }); // what is short need not wait for it
        const seconds = error instanceof Later ? error.seconds : Math.round(pause / 1_000);
        if (error instanceof Later) said("sending", say("wait", { seconds }));
        else said("sending", navigator.onLine ? say("reconnecting", { seconds }) : words.offline);
        await Promise.race([sleep(seconds * 1_000), isBack()]);
        pause = Math.min(pause * 2, LONGEST_PAUSE);
      }
    }
  }
  isSending = false;
}

// What is wrong with sending or listening stays told until that is well again.
function said(why, text) {
  state.dataset.why = why;
  tell(text);
}

const isBack = () => new Promise((resolve) => addEventListener("online", resolve, { once: true }));

function end() {
  kept.drop("session");
  session = null;
  unseen.clear();
  closeLines();
  tell(words.ended, 20_000);
}

// --- Hearing: a stream while somebody looks, else a question now and then.

let isOpen = !framed;
let listening = null; // what breaks the present wait off
let isFirst = true;
const unseen = new Set();
const isWatched = () => isOpen && !document.hidden;

async function listen() {
  if (listening) return;
  let pause = 1_000;
  let heldBackUntil = 0; // then the stream is tried again
  while (session) {
    listening = new AbortController();
    const began = Date.now();
    try {
      if (isWatched() && began > heldBackUntil) {
        if (!(await follow(listening))) {
          heldBackUntil = Date.now() + STREAM_AGAIN_AFTER;
          tell(words.slow, 10_000);
        } else if (Date.now() - began > 2_000) pause = 1_000;
        else await sleep(1_000);
      } else {
        const response = await ask(`${root.dataset.base}/lines`, { headers: mine() }, SEND_WITHIN);
        heard(await response.json());
        pause = 1_000;
        await rest(isWatched() ? ASK_EVERY : ASK_EVERY_UNWATCHED, listening.signal);
      }
    } catch (error) {
      if (listening.signal.aborted) continue;
      if (error instanceof Ended) { end(); break; }
      if (error instanceof Later) { // no place to listen: ask now and then meanwhile
        heldBackUntil = Date.now() + error.seconds * 6_000;
        pause = Math.max(pause, error.seconds * 1_000);
      }
      said("listening", navigator.onLine ? say("reconnecting", { seconds: Math.round(pause / 1_000) }) : words.offline);
      await Promise.race([rest(pause, listening.signal), isBack()]);
      pause = Math.min(pause * 2, LONGEST_PAUSE);
    }
  }
  listening = null;
}

function rest(time, signal) {
  if (signal.aborted) return null; // broken off before it began
  return Promise.race([sleep(time), new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }))]);
}

// Read the stream to its end; false when not even its beginning came through.
async function follow(listening) {
  let hasBegun = false;
  let isSilent = false;
  const giveUp = () => { isSilent = true; listening.abort(); };
  let watchdog = setTimeout(giveUp, FIRST_BYTES_WITHIN);
  try {
    const headers = { ...mine(), "Accept": "text/event-stream", "Accept-Language": locale };
    const address = `${root.dataset.base}/stream`;
    const response = await fetch(address, { headers, cache: "no-store", signal: listening.signal });
    if (!response.ok) throw await failure(response);
    if (!response.headers.get("Content-Type")?.startsWith("text/event-stream")) throw new Error("not ours");
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return true;
      hasBegun = true;
      clearTimeout(watchdog);
      watchdog = setTimeout(giveUp, SILENT_AT_MOST);
      const events = (text + decoder.decode(value, { stream: true })).split("\n\n");
      text = events.pop();
      for (const one of events) take(one);
    }
  } catch (error) {
    if (isSilent && !hasBegun) return false;
    throw error;
  } finally {
    clearTimeout(watchdog);
  }
}

function take(event) {
  const value = event.split("\n").find((line) => line.startsWith("data: "))?.slice(6);
  if (!value) return;
  if (event.startsWith("event: session")) remember(JSON.parse(value));
  else heard({ lines: JSON.parse(value) });
}

function heard(told) {
  if (told.session) remember(told.session);
  const wasAtEnd = isFirst || isAtEnd();
  let firstNew = null;
  for (const line of told.lines) {
    const isNew = put(line);
    if (line.by === "you") {
      if (queue.has(line.id)) settle(line.id);
    } else if (isNew && !line.seen) {
      unseen.add(line.id);
      firstNew ??= lines.get(line.id).element;
    }
  }
  offerChoices();
  if (wasAtEnd) scrollTo(firstNew);
  if (isFirst) {
    setTimeout(() => log.setAttribute("aria-live", "polite"), 500); // what is old is not read out
  }
  isFirst = false;
  if (state.dataset.why === "listening") { state.dataset.why = ""; tell(words.back, 5_000); }
  else if (state.textContent === words.connecting) tell("");
  confirm();
}

let isConfirming = false;
async function confirm() {
  const count = unseen.size;
  if (framed) parent.postMessage({ complaintChat: "unread", count: isWatched() ? 0 : count }, "*");
  document.title = isWatched() || !count ? title : `(${say("unread", { count })}) ${title}`;
  if (!isWatched() || !count || isConfirming || !session) return;
  isConfirming = true;
  const notices = [...unseen].slice(0, 100);
  try {
    await push({ type: "seen", notices });
    for (const id of notices) unseen.delete(id);
    setTimeout(confirm);
  } catch { /* the next lines, or the next look at the page, try again */ }
  isConfirming = false;
}

function lookAgain() {
  listening?.abort();
  confirm();
}

// --- What happens around it

addEventListener("online", lookAgain);
addEventListener("offline", () => said("listening", words.offline));
addEventListener("online", () => { if (!session && !queue.size) said("", ""); }); // nobody else will say so
document.addEventListener("visibilitychange", lookAgain);
addEventListener("storage", (event) => { // another window began, or cleared everything
  if (event.key !== `${PREFIX}session`) return;
  if (event.newValue === null) location.reload();
  else if (!session) { session = JSON.parse(event.newValue); listen(); }
  else session = JSON.parse(event.newValue);
});

if (framed) {
  const shut = () => parent.postMessage({ complaintChat: "close" }, "*");
  document.getElementById("close").addEventListener("click", shut);
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && !event.isComposing) shut(); });
  addEventListener("message", (event) => {
    if (event.source !== parent || !("complaintChat" in Object(event.data))) return;
    isOpen = event.data.complaintChat === "opened";
    if (isOpen) {
      box.focus();
      if (isAtEnd() || !log.scrollTop) scrollTo(); // while it was shut it had no height
    }
    lookAgain();
  });
  parent.postMessage({ complaintChat: "ready" }, "*");
}

for (const one of [choices, box.form, document.getElementById("leave")]) one.hidden = false;
box.value = kept.get("draft") ?? "";
if (session) {
  root.querySelector(".privacy").open = false;
  tell(words.connecting);
  listen();
} else log.setAttribute("aria-live", "polite");
for (const key of kept.keys().filter((key) => key.startsWith("unsent:")).sort()) {
  const message = JSON.parse(kept.get(key));
  pending(message);
  if (message.file) { // its bytes went with the page that was to send them
    kept.drop(key);
    put({ id: message.id, by: "you", problem: words.choose_again });
  } else queue.set(message.id, { message, content: null });
}
send();
