// The console, live: what others do appears without a reload, lists keep their place, properties save themselves.
// It only presses links and buttons that are on the page anyway, or shows what a reload would show.

import { startComposer, stopComposer } from "./compose.js";
import { restoreDrafts } from "./draft.js";
import { startKeys } from "./keys.js";
import { keepsWatch, standWatch, tell } from "./notice.js";
import { startPresence } from "./presence.js";
import { element } from "./toast.js";

const conversation = () => document.querySelector("[data-live=conversation]");
const list = () => document.querySelector("[data-live=list]");

// ---- Swapping parts of the page for what the server says now ---------------------------------------------------------

// After a refused form the address is the form's; data-url names the page itself.
const here = () => conversation()?.dataset.url ?? location.href;

async function fetchPage(url, options = {}) {
  const response = await fetch(url, { ...options, headers: { Accept: "text/html" } });
  const html = await response.text();
  return { page: new DOMParser().parseFromString(html, "text/html"), url: response.url };
}

/** What the server sent for each element; the elements themselves change (opened quotes, sizes, checked boxes). */
const served = new WeakMap();
const remember = (item) => served.set(item, item.outerHTML);

/** Brings a list's children up to date by id, touching only those that changed: mail frames do not reload, and what
    is selected stays selected. */
function reconcile(current, fresh) {
  const known = new Map([...current.children].filter((item) => item.id).map((item) => [item.id, item]));
  const items = [...fresh.children].map((item) => {
    const old = known.get(item.id);
    if (old && served.get(old) === item.outerHTML) return old;
    const made = document.adoptNode(item);
    remember(made);
    const box = made.querySelector(".row-check");
    if (box && old) box.checked = old.querySelector(".row-check").checked;
    return made;
  });
  const focused = current.contains(document.activeElement) ? document.activeElement : null;
  const place = focused?.closest("[id]")?.id;
  const wanted = new Set(items);
  for (const item of [...current.children]) if (!wanted.has(item)) item.remove();
  items.forEach((item, index) => {
    if (current.children[index] !== item) current.insertBefore(item, current.children[index] ?? null);
  });
  if (place && !current.contains(document.activeElement)) {
    document.getElementById(place)?.querySelector(focused.matches(".row-check") ? ".row-check" : "a")?.focus({ preventScroll: true });
  }
}

/** Replaces the content of #id and gives the focus back to the element of the same id or link. */
function swap(page, id) {
  const current = document.getElementById(id);
  const fresh = page.getElementById(id);
  if (!current || !fresh) return false;
  const focused = current.contains(document.activeElement) ? document.activeElement : null;
  const href = focused?.getAttribute("href");
  current.replaceChildren(...fresh.childNodes);
  if (focused?.id) document.getElementById(focused.id)?.focus();
  else if (href) current.querySelector(`a[href="${CSS.escape(href)}"]`)?.focus({ preventScroll: true });
  return true;
}

function showRows(page) {
  const [current, fresh] = [document.getElementById("conversation-rows"), page.getElementById("conversation-rows")];
  // An empty list has other markup than a full one: its whole pane is swapped.
  if (current?.children.length && fresh?.children.length) reconcile(current, fresh);
  else swap(page, "list");
  countSelected();
}

async function refresh({ rows = false, thread = false, properties = false }) {
  const { page } = await fetchPage(here());
  // The session has ended: what is being typed stays, and the next click leads to the sign-in.
  if (!page.querySelector("[data-signed-in]")) return;
  swap(page, "rail-filters");
  if (rows) showRows(page);
  if (thread && page.getElementById("thread")) {
    reconcile(document.getElementById("thread"), page.getElementById("thread"));
    swap(page, "headline");
  }
  if (properties && !document.getElementById("properties").contains(document.activeElement)) swap(page, "properties");
}

// ---- Live: one stream of { conversation, kind } ----------------------------------------------------------------------

const changed = new Set();
let timer = null;

function showNews() {
  const bar = document.querySelector(".live-bar") ?? document.createElement("button");
  bar.type = "button";
  bar.className = "live-bar";
  changed.delete(0);
  bar.textContent = changed.size === 1 ? "1 conversation changed" : `${changed.size || "Some"} conversations changed`;
  if (!bar.isConnected) list().before(bar);
}

/** A reader who has scrolled, selected something or stands on a row is not moved: a bar says that there is something. */
function isReading() {
  const pane = list();
  if (!pane) return false;
  const scrolled = pane.scrollTop > 0 || (!conversation() && scrollY > 0);
  return scrolled || pane.contains(document.activeElement) || pane.querySelector(".row-check:checked");
}

async function applyNews() {
  timer = null;
  const concerns = changed.has(Number(conversation()?.dataset.conversation));
  const reading = isReading();
  try {
    await refresh({ rows: list() && !reading, thread: concerns, properties: concerns });
    if (reading) showNews();
    else changed.clear();
  } catch {
    // Offline: the next event tries again.
  }
}

let stream = null;

function heard(id) {
  ahead = null;
  changed.add(id);
  timer ??= setTimeout(applyNews, 250);
}

/** Nobody knows what happened while the stream was closed, so the open conversation counts as changed. */
const catchUp = () => heard(Number(conversation()?.dataset.conversation ?? 0));

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
  if (!event.target.closest(".live-bar")) return;
  event.target.remove();
  changed.clear();
  list().scrollTo(0, 0);
  await refresh({ rows: true });
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

async function visit(href, remembers) {
  stopComposer();
  try {
    const { page, url } = await pageOf(href);
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

async function save(form) {
  // Taken before the form is disabled: disabled controls are not sent.
  const body = new URLSearchParams(new FormData(form));
  try {
    const { page } = await fetchPage(form.action, { method: "POST", body });
    if (!page.getElementById("thread")) return location.reload();
    swap(page, "properties");
    swap(page, "headline");
    reconcile(document.getElementById("thread"), page.getElementById("thread"));
    if (!isReading()) showRows(page);
    document.querySelector(".pane-main h1").replaceWith(page.querySelector(".pane-main h1"));
  } catch {
    location.reload();
  }
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

// ---- Selection ----------------------------------------------------------------------------------------------------------

function countSelected() {
  const count = document.querySelectorAll(".row-check:checked").length;
  for (const place of document.querySelectorAll("[data-count]")) place.textContent = `${count} selected`;
}

let lastBox = null;

document.addEventListener("click", (event) => {
  const box = event.target.closest?.(".row-check");
  if (event.target.closest?.("[data-unselect]")) {
    for (const one of document.querySelectorAll(".row-check:checked")) one.checked = false;
    return countSelected();
  }
  if (!box) return;
  if (event.shiftKey && lastBox?.isConnected) {
    const boxes = [...document.querySelectorAll(".row-check")];
    const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  }
  lastBox = box;
  countSelected();
});

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
  for (const item of document.querySelectorAll("#thread > *, #conversation-rows > *")) if (!served.has(item)) remember(item);
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
