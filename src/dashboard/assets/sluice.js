// Keeps a page up to date, and asks before something is done without leaving the page. Without it everything works by plain links and
// forms.
"use strict";

const main = document.getElementById("main");
const connection = document.getElementById("connection");

// How to find an element again among new ones.
function placeOf(element) {
  const called = (name, value) => value && `[${name}="${CSS.escape(value)}"]`;
  if (element.matches("details[id] > summary")) return `${called("id", element.parentElement.id)} > summary`;
  return called("id", element.id) || called("href", element.getAttribute("href"));
}

// Replaces an element by its new form; what was opened or focused by hand stays so.
function replace(id, html) {
  const old = document.getElementById(id);
  if (!old) return;
  const template = document.createElement("template");
  template.innerHTML = html;
  const fresh = template.content.firstElementChild;
  if (!fresh) return;
  for (const details of old.querySelectorAll("details[id]")) {
    const next = fresh.querySelector(`[id="${CSS.escape(details.id)}"]`);
    if (next) next.open = details.open;
  }
  const held = old.contains(document.activeElement) ? document.activeElement : null;
  const place = held && placeOf(held);
  old.replaceWith(fresh);
  if (place) (fresh.matches(place) ? fresh : fresh.querySelector(place))?.focus({ preventScroll: true });
}

// What is pressed stays until it is released: an element that is replaced in between gets no click. Not every release is told of, as
// where a menu of the browser takes it, so nothing is held back for long.
const HELD = 2000;
let pressed = null;
let waiting = [];
function whenReleased(change) {
  if (pressed) waiting.push(change);
  else change();
}
function release() {
  clearTimeout(pressed);
  pressed = null;
  const changes = waiting;
  waiting = [];
  for (const change of changes) change();
}
document.addEventListener("pointerdown", (event) => {
  if (event.button === 0 && !pressed) pressed = setTimeout(release, HELD);
}, true);
// The click comes after the release.
for (const end of ["pointerup", "pointercancel"]) document.addEventListener(end, () => setTimeout(release, 0), true);

// Listens for changes while somebody looks. A browser connects anew by itself where a connection was lost, but not where the answer was
// no stream.
const AGAIN = [2000, 30000];
// A stream says something every ten seconds or so. One that does not is dead, though no error may ever tell.
const SILENCE = 30000;
let source = null;
let asked = 0;
let heard = Date.now();
let pause = AGAIN[0];
let live = main?.dataset.live;
let isOver = false;

function say(text, link) {
  connection.replaceChildren(text);
  if (link) connection.append(" ", link);
}

function end(text, link) {
  isOver = true;
  source?.close();
  document.body.dataset.live = "no";
  say(text, link);
}

function offerLogin() {
  const link = document.createElement("a");
  link.href = `/login?to=${encodeURIComponent(location.pathname + location.search)}`;
  link.textContent = "Log in again";
  end("Your session is over: what you see is not kept up to date.", link);
}

const GONE = "This is gone, or not for you to see any more.";

function listen() {
  if (isOver || document.hidden) return;
  source?.close();
  const own = source = new EventSource(live);
  asked = Date.now();
  for (const word of ["open", "change", "trouble", "beat"]) own.addEventListener(word, () => { heard = Date.now(); });
  own.addEventListener("open", () => { pause = AGAIN[0]; say(""); document.body.dataset.live = "yes"; });
  own.addEventListener("error", () => {
    say("not connected; trying again");
    document.body.dataset.live = "no";
    if (own === source && own.readyState === EventSource.CLOSED) setTimeout(askWhy, pause);
  });
  own.addEventListener("change", (event) => {
    say("");
    // The page is not what it was when it was loaded.
    live = live.replace(/[?&]at=\d+$/, "");
    whenReleased(() => { for (const { id, html } of JSON.parse(event.data)) replace(id, html); });
    document.body.dataset.changes = Number(document.body.dataset.changes || 0) + 1;
  });
  own.addEventListener("trouble", (event) => say(`not kept up to date: ${JSON.parse(event.data)}`));
  own.addEventListener("gone", () => end(GONE));
  own.addEventListener("login", offerLogin);
}

function mindSilence() {
  if (isOver || document.hidden || !source || source.readyState === EventSource.CLOSED) return;
  if (Date.now() - Math.max(asked, heard) < SILENCE) return;
  say(`not kept up to date since ${new Date(heard).toLocaleTimeString()}; trying again`);
  document.body.dataset.live = "no";
  listen();
}

// The page itself tells why it has no stream.
async function askWhy() {
  if (isOver || document.hidden || source.readyState !== EventSource.CLOSED) return;
  pause = Math.min(pause * 2, AGAIN[1]);
  try {
    const answer = await fetch(location.pathname + location.search, { signal: AbortSignal.timeout(SILENCE) });
    await answer.body?.cancel();
    if (answer.status === 401 || (answer.redirected && new URL(answer.url).pathname === "/login")) offerLogin();
    else if (answer.status === 403 || answer.status === 404) end(GONE);
    else if (answer.ok) listen();
    else setTimeout(askWhy, pause);
  } catch { setTimeout(askWhy, pause); }
}

if (live) {
  listen();
  setInterval(mindSilence, 1000);
  // A page that nobody sees holds no connection; browsers have few of them.
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) source?.close();
    else listen();
  });
}

// Ages, as kubectl writes them: at most two units, the coarser the older.
function age(seconds) {
  const two = (coarse, c, fine, f) => `${Math.floor(coarse)}${c}${fine >= 1 ? `${Math.floor(fine)}${f}` : ""}`;
  const minute = 60, hour = 3600, day = 86400;
  if (seconds < 2 * minute) return `${Math.floor(Math.max(seconds, 0))}s`;
  if (seconds < 10 * minute) return two(seconds / minute, "m", seconds % minute, "s");
  if (seconds < 3 * hour) return `${Math.floor(seconds / minute)}m`;
  if (seconds < 8 * hour) return two(seconds / hour, "h", (seconds % hour) / minute, "m");
  if (seconds < 2 * day) return `${Math.floor(seconds / hour)}h`;
  if (seconds < 8 * day) return two(seconds / day, "d", (seconds % day) / hour, "h");
  if (seconds < 730 * day) return `${Math.floor(seconds / day)}d`;
  if (seconds < 2920 * day) return two(seconds / (365 * day), "y", (seconds / day) % 365, "d");
  return `${Math.floor(seconds / (365 * day))}y`;
}

// The clock of the browser may be another one than the one that wrote the page.
const ahead = main?.dataset.now ? Date.now() - Date.parse(main.dataset.now) : 0;
function tick() {
  if (document.hidden) return;
  for (const time of document.querySelectorAll("time[datetime]")) {
    const text = age((Date.now() - ahead - Date.parse(time.dateTime)) / 1000);
    if (time.firstChild?.data !== text) time.textContent = text;
    time.title ||= time.dateTime;
  }
}
setInterval(tick, 1000);

// A question in a dialog instead of on a page of its own.
function dialog(text, opener) {
  const page = new DOMParser().parseFromString(text, "text/html");
  const content = page.getElementById("question") || page.getElementById("main");
  let box = document.querySelector("dialog");
  if (!box) {
    box = document.createElement("dialog");
    box.setAttribute("aria-labelledby", "question-title");
    document.body.append(box);
    // What it was opened by may have been replaced meanwhile.
    box.addEventListener("close", () => {
      const path = box.opener?.getAttribute("href");
      const opener = path && [...document.querySelectorAll("a[data-ask]")].find((link) => link.getAttribute("href") === path);
      opener?.focus();
    });
  }
  if (opener) box.opener = opener;
  box.replaceChildren(document.adoptNode(content));
  if (!box.open) box.showModal();
  (box.querySelector("[autofocus], input:not([type=hidden]), select, [data-close]"))?.focus();
  return box;
}

async function load(url, options) {
  const answer = await fetch(url, { redirect: "follow", ...options });
  if (answer.redirected && new URL(answer.url).pathname === "/login") { location.href = answer.url; return null; }
  // What is done leads to a page; that it cannot be shown just now is no reason to do it again.
  if (answer.redirected && !answer.ok) {
    tell("It was done", `The page that shows it does not answer as it should (${answer.status}).`);
    return null;
  }
  return answer.text();
}

function tell(title, text) {
  const box = dialog(`<section id="question" class="question"><h1 id="question-title"></h1><p class="bad" role="alert"></p><div class="actions"><button type="button" data-close>Close</button></div></section>`);
  box.querySelector("h1").textContent = title;
  box.querySelector("[role=alert]").textContent = text;
}

const failed = (error) => tell("No answer", `The dashboard does not answer: ${error.message}`);

document.addEventListener("click", async (event) => {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const close = event.target.closest("dialog [data-close]");
  if (close) { event.preventDefault(); close.closest("dialog").close(); return; }
  const link = event.target.closest("a[data-ask]");
  if (!link) return;
  event.preventDefault();
  try {
    const text = await load(link.href);
    if (text !== null) dialog(text, link);
  } catch (error) { failed(error); }
});

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.closest("dialog") || form.method !== "post") return;
  event.preventDefault();
  const sure = form.querySelector("button.sure");
  if (sure) sure.disabled = true;
  try {
    const text = await load(form.action, { method: "POST", body: new URLSearchParams(new FormData(form)) });
    if (text !== null) dialog(text);
  } catch (error) { failed(error); }
});

// A choice in the search is the search.
document.querySelector("form.search")?.addEventListener("change", (event) => {
  if (event.target.matches("select")) event.target.form.requestSubmit();
});

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, select, textarea, dialog")) return;
  if (event.key === "/") {
    const search = document.querySelector("[data-key='/']");
    if (search) { event.preventDefault(); search.focus(); search.select(); }
  }
});
