// The console, live: what others do appears without a reload, lists keep their place, properties save themselves.
// It only presses links and buttons that are on the page anyway, or shows what a reload would show.

import { startComposer, stopComposer } from "./compose.js";
import { keep, restoreDrafts } from "./draft.js";
import { startKeys } from "./keys.js";
import { isReading, list, markAny, markChanged, showRows, toFirstRow, updateRows } from "./list.js";
import { keepsWatch, standWatch, tell } from "./notice.js";
import { startPresence } from "./presence.js";
import { fetchPage, isRemembered, reconcile, remember, swap } from "./swap.js";
import { element } from "./toast.js";

const conversation = () => document.querySelector("[data-live=conversation]");

// ---- What the server says now -----------------------------------------------------------------------------------------

// After a refused form the address is the form's; data-url names the page itself.
const here = () => conversation()?.dataset.url ?? location.href;

/** Brings the page up to date; `rows` is how the list takes it. */
async function refresh(rows, isOpenChanged) {
  const asked = here();
  const { page } = await fetchPage(asked);
  // The session has ended: what is being typed stays, and the next click leads to the sign-in. Or the reader has gone on.
  if (!page.querySelector("[data-signed-in]") || here() !== asked) return;
  swap(page, "rail-filters");
  if (list()) rows(page);
  if (!isOpenChanged) return;
  if (page.getElementById("thread")) {
    showThread(page);
    swap(page, "headline");
  }
  const properties = document.getElementById("properties");
  const isEdited = properties.contains(document.activeElement) || properties.querySelector("[data-unsaved]");
  if (!isEdited) swap(page, "properties");
}

/** Whoever writes keeps the line they write on where it is. */
function showThread(page) {
  const composer = document.getElementById("composer");
  const isWriting = composer?.contains(document.activeElement);
  const before = composer?.getBoundingClientRect().top;
  reconcile(document.getElementById("thread"), page.getElementById("thread"));
  const pane = document.querySelector(".thread-pane");
  const scroller = pane.scrollHeight > pane.clientHeight ? pane : document.scrollingElement;
  if (isWriting) scroller.scrollTop += composer.getBoundingClientRect().top - before;
}

// ---- Live: one stream of { conversation, kind } ----------------------------------------------------------------------

const waiting = new Set();
let timer = null;

async function applyNews(rows = updateRows) {
  timer = null;
  const isOpenChanged = waiting.has(Number(conversation()?.dataset.conversation));
  try {
    await refresh(rows, isOpenChanged);
    waiting.clear();
  } catch {
    // Offline: the next event tries again.
  }
}

let stream = null;

function heard(id) {
  ahead = null;
  waiting.add(id);
  markChanged(id);
  timer ??= setTimeout(applyNews, 250);
}

/** Nobody knows what happened while the stream was closed, so the open conversation counts as changed. Whoever comes back
    and is in the middle of nothing finds the list in order. */
function catchUp() {
  waiting.add(Number(conversation()?.dataset.conversation ?? 0));
  markAny();
  applyNews(isReading() ? updateRows : showRows);
}

// Only the tab in front listens, and one more where the browser may notify: a browser keeps six connections to a
// server, and agents have many tabs.
function listen() {
  const wanted = document.visibilityState === "visible" || keepsWatch();
  if (wanted === Boolean(stream)) return;
  if (!wanted) {
    stream.close();
    stream = null;
    return;
  }
  let lost = false;
  stream = new EventSource("/console/live");
  stream.addEventListener("conversation", (event) => heard(JSON.parse(event.data).conversation));
  stream.addEventListener("notice", (event) => tell(JSON.parse(event.data), Number(conversation()?.dataset.conversation)));
  stream.onerror = () => (lost = true);
  stream.onopen = () => {
    if (lost) catchUp();
    lost = false;
  };
}

standWatch(() => listen());

document.addEventListener("visibilitychange", () => {
  const wasClosed = !stream;
  listen();
  if (wasClosed && stream) catchUp();
});

document.addEventListener("click", async (event) => {
  if (!event.target.closest?.("[data-news]")) return;
  try {
    await refresh(showRows, false);
    toFirstRow();
  } catch {
    location.reload();
  }
});

// ---- Going to another conversation without leaving the list ------------------------------------------------------------

const isDesk = () => document.querySelector(".desk") && matchMedia("(min-width: 80rem)").matches;

/** The next conversation, fetched before somebody asks for it: looking changes nothing. */
let ahead = null;
const FRESH = 30000;

function lookAhead() {
  ahead = null;
  const next = isDesk() && document.querySelector(".neighbours [rel=next]");
  if (!next || navigator.connection?.saveData) return;
  const { href } = next;
  const wait = window.requestIdleCallback ?? ((action) => setTimeout(action, 200));
  wait(() => (ahead = { href, at: Date.now(), answer: fetchPage(href).catch(() => null) }));
}

async function pageOf(href) {
  const known = ahead?.href === href && Date.now() - ahead.at < FRESH ? await ahead.answer : null;
  ahead = null;
  return known ?? fetchPage(href);
}

let visits = 0;

async function visit(href, remembers) {
  stopComposer();
  visits += 1;
  const mine = visits;
  try {
    const { page, url } = await pageOf(href);
    // Whoever presses j twice wants the second one.
    if (mine !== visits) return;
    const fresh = page.querySelector(".pane-main");
    if (!fresh) throw new Error("not a conversation");
    if (remembers) history.pushState(null, "", url);
    document.title = page.title;
    document.querySelector(".pane-main").replaceWith(document.adoptNode(fresh));
    document.querySelector(".toasts")?.remove();
    swap(page, "rail-filters");
    const [current, rows] = [document.querySelector(".pane-list"), page.querySelector(".pane-list")];
    current.querySelector(".toolbar").replaceWith(rows.querySelector(".toolbar"));
    current.querySelector(".bulk [name=back]").value = rows.querySelector(".bulk [name=back]").value;
    showRows(page);
    start();
    document.querySelector(".pane-main h1").scrollIntoView({ block: "nearest" });
  } catch {
    location.assign(href);
  }
}

document.addEventListener("click", (event) => {
  const link = event.target.closest?.(".pane-list .row-link, .neighbours a");
  const plain = event.button === 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey;
  if (!link || !plain || event.defaultPrevented || !isDesk()) return;
  event.preventDefault();
  visit(link.href, true);
});

addEventListener("popstate", () => {
  if (isDesk() && location.pathname.startsWith("/console/conversations/")) visit(location.href, false);
  else location.reload();
});

// ---- Properties save themselves ----------------------------------------------------------------------------------------

const RETRY_AFTER = 4000;

function tellUnsaved(form, text) {
  form.toggleAttribute("data-unsaved", Boolean(text));
  form.querySelector("[data-save-state]").textContent = text;
}

async function save(form) {
  clearTimeout(form.retry);
  // Taken before the form is disabled: disabled controls are not sent.
  const body = new URLSearchParams(new FormData(form));
  let answer;
  try {
    answer = await fetchPage(form.action, { method: "POST", body });
  } catch {
    tellUnsaved(form, "Not saved: the server cannot be reached. Trying again…");
    form.retry = setTimeout(() => form.isConnected && save(form), RETRY_AFTER);
    return;
  }
  const { page } = answer;
  if (page.querySelector("[data-session-over]")) keep(form, true);
  const saved = page.querySelector("[data-live=conversation]")?.dataset.conversation;
  if (!saved) return location.reload();
  // The reader has gone on to another conversation meanwhile.
  if (saved !== conversation()?.dataset.conversation) return;
  tellUnsaved(form, "");
  swap(page, "properties");
  swap(page, "headline");
  showThread(page);
  markChanged(Number(conversation().dataset.conversation));
  updateRows(page);
  document.querySelector(".pane-main h1").replaceWith(page.querySelector(".pane-main h1"));
}

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.dataset.autosave !== undefined) save(form);
});

document.addEventListener("submit", (event) => {
  if (event.target.dataset.autosave === undefined) return;
  event.preventDefault();
  delete event.target.dataset.busy;
  save(event.target);
});

// ---- Something that goes on: how far it is, until it is done --------------------------------------------------------------

async function showProgress() {
  const running = document.querySelector("[data-running]");
  if (!running) return;
  const url = new URL(here(), location.href);
  url.searchParams.set("done", running.dataset.done);
  try {
    const { page } = await fetchPage(url);
    const fresh = page.querySelector(".toasts");
    if (!fresh) return running.closest(".toasts").remove();
    running.closest(".toasts").replaceWith(document.adoptNode(fresh));
    if (!document.querySelector("[data-running]")) {
      showRows(page);
      swap(page, "rail-filters");
    }
  } catch {
    // Offline: the next look tells.
  }
  setTimeout(showProgress, 600);
}

// ---- Why: what happened by itself, beside the thread -----------------------------------------------------------------------

document.addEventListener("click", async (event) => {
  const link = event.target.closest?.("[data-why]");
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  const { page } = await fetchPage(link.dataset.why).catch(() => ({}));
  if (!page) return location.assign(link.href);
  const close = element("button", { className: "button button-quiet button-small" }, "Close");
  const form = element("form", { method: "dialog", className: "drawer-head" }, element("h2", {}, "Why?"), close);
  const dialog = element("dialog", { className: "drawer", "aria-label": "Why" }, form, ...page.body.childNodes);
  dialog.addEventListener("click", (click) => click.target === dialog && dialog.close());
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
});

// ---- Pictures open in the page -----------------------------------------------------------------------------------------

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a.file-picture");
  if (!link || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  const dialog = document.createElement("dialog");
  dialog.className = "dialog dialog-picture";
  const picture = Object.assign(new Image(), { src: link.href, alt: link.textContent.trim() });
  const away = Object.assign(document.createElement("a"), { href: link.href, download: "", className: "button", textContent: "Download" });
  const form = document.createElement("form");
  form.method = "dialog";
  form.className = "actions actions-end";
  form.append(away, Object.assign(document.createElement("button"), { className: "button button-primary", textContent: "Close" }));
  dialog.append(picture, form);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
});

// ---- Start ---------------------------------------------------------------------------------------------------------------

function start() {
  for (const item of document.querySelectorAll("#thread > *, #conversation-rows > *")) if (!isRemembered(item)) remember(item);
  const open = conversation();
  if (open) {
    try {
      restoreDrafts();
      sessionStorage.setItem("last", open.dataset.conversation);
    } catch {
      // Storage may be switched off.
    }
    document.querySelector(".row-open")?.scrollIntoView({ block: "nearest" });
    if (!location.hash) toLatest(open);
    startComposer();
    lookAhead();
  }
  startPresence(open?.dataset.conversation);
}

/** A long thread opens at its newest message. */
function toLatest(open) {
  const messages = open.querySelectorAll(".message");
  const pane = open.querySelector(".thread-pane");
  const latest = messages[messages.length - 1];
  if (messages.length > 1 && pane.scrollHeight > pane.clientHeight) pane.scrollTop = latest.offsetTop - pane.offsetTop - 12;
}

start();
showProgress();
listen();
startKeys();

if (!conversation() && list()) {
  // Coming back from a conversation, j and k go on from there.
  const last = sessionStorage.getItem("last");
  sessionStorage.removeItem("last");
  document.querySelector(`.row[data-conversation="${CSS.escape(last ?? "")}"] .row-link`)?.focus();
}
