// The console, live: what others do appears without a reload, and single keys lead through the work.
// Both only press links and buttons that are on the page anyway, or show what a reload would show.

const open = document.querySelector("[data-live=conversation]");
const list = document.querySelector("[data-live=list]");

// ---- Swapping parts of the page for what the server says now ---------------------------------------------------------

// After a refused form the address is the form's; data-url names the page itself.
const here = () => open?.dataset.url ?? location.href;

async function fetchPage(url, options = {}) {
  const response = await fetch(url, { ...options, headers: { Accept: "text/html" } });
  const html = await response.text();
  return new DOMParser().parseFromString(html, "text/html");
}

/** What the server sent for each element of the thread; the elements themselves change (opened quotes, sizes). */
const served = new WeakMap();
const remember = (item) => served.set(item, item.outerHTML);

/** Brings a list's children up to date by id, touching only those that changed: mail frames do not reload. */
function reconcile(current, fresh) {
  const known = new Map([...current.children].filter((item) => item.id).map((item) => [item.id, item]));
  const items = [...fresh.children].map((item) => {
    const old = known.get(item.id);
    const same = old && served.get(old) === item.outerHTML;
    if (!same) remember(item);
    return same ? old : document.adoptNode(item);
  });
  const wanted = new Set(items);
  for (const item of [...current.children]) if (!wanted.has(item)) item.remove();
  items.forEach((item, index) => {
    if (current.children[index] !== item) current.insertBefore(item, current.children[index] ?? null);
  });
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

async function refresh({ rows = false, thread = false, properties = false }) {
  const page = await fetchPage(here());
  // The session has ended: what is being typed stays, and the next click leads to the sign-in.
  if (!page.getElementById("rail")) return;
  swap(page, "rail-filters");
  // An empty list has other markup than a full one: its whole pane is swapped.
  if (rows) swap(page, "list");
  if (thread) reconcile(document.getElementById("thread"), page.getElementById("thread"));
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
  if (!bar.isConnected) list.before(bar);
}

async function applyNews() {
  timer = null;
  const concerns = open && changed.has(Number(open.dataset.conversation));
  // A reader who has scrolled or stands on a row is not moved: a bar says that there is something.
  const reading = list && (list.scrollTop > 0 || scrollY > 0 || list.contains(document.activeElement));
  try {
    await refresh({ rows: list && !reading, thread: concerns, properties: concerns });
    if (reading) showNews();
    else changed.clear();
  } catch {
    // Offline: the next event tries again.
  }
}

let stream = null;

function heard(conversation) {
  changed.add(conversation);
  timer ??= setTimeout(applyNews, 250);
}

/** Nobody knows what happened while the stream was closed, so the open conversation counts as changed. */
const catchUp = () => heard(Number(open?.dataset.conversation ?? 0));

// Only the tab in front listens: a browser keeps six connections to a server, and agents have many tabs.
function listen() {
  const wanted = document.visibilityState === "visible";
  if (wanted === Boolean(stream)) return;
  if (!wanted) {
    stream.close();
    stream = null;
    return;
  }
  let lost = false;
  stream = new EventSource("/console/live");
  stream.addEventListener("conversation", (event) => heard(JSON.parse(event.data).conversation));
  stream.onerror = () => (lost = true);
  stream.onopen = () => {
    if (lost) catchUp();
    lost = false;
  };
}

document.addEventListener("visibilitychange", () => {
  const wasClosed = !stream;
  listen();
  if (wasClosed && stream) catchUp();
});
listen();

document.addEventListener("click", async (event) => {
  if (!event.target.closest(".live-bar")) return;
  event.target.remove();
  changed.clear();
  list.scrollTo(0, 0);
  await refresh({ rows: true });
});

// ---- Properties save themselves ----------------------------------------------------------------------------------------

async function save(form) {
  // Taken before the form is disabled: disabled controls are not sent.
  const body = new URLSearchParams(new FormData(form));
  try {
    const page = await fetchPage(form.action, { method: "POST", body });
    swap(page, "properties");
    swap(page, "headline");
    reconcile(document.getElementById("thread"), page.getElementById("thread"));
  } catch {
    location.reload();
  }
}

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (form?.dataset.autosave !== undefined) save(form);
});

// ---- Keys: one table, from which the overlay is made as well -----------------------------------------------------------

const press = (selector) => document.querySelector(selector)?.click();

function move(step) {
  if (open) return press(step > 0 ? "a[rel=next]" : "a[rel=prev]");
  const links = [...document.querySelectorAll(".row-link")];
  const at = links.indexOf(document.activeElement);
  const next = at < 0 ? links[step > 0 ? 0 : links.length - 1] : links[at + step];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function compose(kind) {
  const choice = document.getElementById(`compose-${kind}`);
  if (!choice) return;
  choice.checked = true;
  document.getElementById(`${kind}-text`).focus();
  document.getElementById("composer").scrollIntoView({ block: "nearest" });
}

const keys = [
  { key: "j", says: "Next conversation", run: () => move(1) },
  { key: "k", says: "Previous conversation", run: () => move(-1) },
  { key: "o", says: "Open (or Enter)", run: () => document.activeElement?.matches(".row-link") && document.activeElement.click() },
  { key: "u", says: "Back to the list", run: () => press("[data-back]") },
  { key: "r", says: "Reply", run: () => compose("reply") },
  { key: "n", says: "Internal note", run: () => compose("note") },
  { key: "e", says: "Close the conversation", run: () => press("[data-close]") },
  { key: "/", says: "Search", run: () => document.getElementById("search")?.focus() },
  { key: "?", says: "Show these keys", run: showKeys },
];

const keysAreOn = () => localStorage.getItem("keys") !== "off";

function element(name, attributes = {}, ...children) {
  const made = Object.assign(document.createElement(name), attributes);
  made.append(...children);
  return made;
}

function showKeys() {
  const toggle = element("input", { type: "checkbox", checked: keysAreOn() });
  toggle.addEventListener("change", () => localStorage.setItem("keys", toggle.checked ? "on" : "off"));
  const rows = keys.flatMap(({ key, says }) => [
    element("dt", {}, says),
    element("dd", {}, element("kbd", {}, key)),
  ]);
  const send = [element("dt", {}, "Send"), element("dd", {}, element("kbd", {}, "Ctrl"), " ", element("kbd", {}, "Enter"))];
  const dialog = element("dialog", { className: "dialog" },
    element("h2", {}, "Keyboard shortcuts"),
    element("dl", { className: "facts" }, ...rows, ...send),
    element("label", { className: "check" }, toggle, element("span", {}, "Single keys are on")),
    element("form", { method: "dialog", className: "actions actions-end" }, element("button", { className: "button" }, "Done")));
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}

document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input, textarea, select, [contenteditable], dialog");
  if (event.key === "Escape" && typing?.matches("textarea, [type=search]")) return event.target.blur();
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || !keysAreOn()) return;
  const binding = keys.find(({ key }) => key === event.key);
  if (!binding) return;
  event.preventDefault();
  binding.run();
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-shortcuts]")) showKeys();
});

// ---- Start ---------------------------------------------------------------------------------------------------------

if (open) {
  for (const item of document.getElementById("thread").children) remember(item);
  sessionStorage.setItem("last", open.dataset.conversation);
} else if (list) {
  // Coming back from a conversation, j and k go on from there.
  const last = sessionStorage.getItem("last");
  sessionStorage.removeItem("last");
  document.querySelector(`.row[data-conversation="${CSS.escape(last ?? "")}"] .row-link`)?.focus();
}
