// The list of conversations. What others do shows where a row stands; rows come, go and move only when the reader asks for
// it by the bar ("3 new"), so that nobody presses the wrong one.

import { element } from "./toast.js";
import { keepFocus, reconcile, renew, swap } from "./swap.js";

export const list = () => document.querySelector("[data-live=list]");
const rows = () => document.getElementById("conversation-rows");

// ---- What is new ------------------------------------------------------------------------------------------------------------

/** Conversations that changed since the rows were put in order; after a lost connection it may be any. */
const changed = new Set();
let isAny = false;

export const markChanged = (id) => changed.add(id);
export const markAny = () => (isAny = true);

const idOf = (row) => Number(row.dataset.conversation);
const concerns = (row) => isAny || changed.has(idOf(row));

/** Puts the rows in the server's order: the reader asked for it. */
export function showRows(page) {
  changed.clear();
  isAny = false;
  const [current, fresh] = [rows(), page.getElementById("conversation-rows")];
  // An empty list has other markup than a full one: its whole pane is swapped.
  if (current?.children.length && fresh?.children.length) {
    reconcile(current, fresh);
    showBar(0, 0);
  } else swap(page, "list");
  countSelected();
}

/** Brings rows up to date where they stand. What came, moved or left waits behind the bar. */
export function updateRows(page) {
  const [current, fresh] = [rows(), page.getElementById("conversation-rows")];
  if (!current?.children.length) return showRows(page);
  const here = [...current.children];
  const now = [...(fresh?.children ?? [])];
  const [hereIds, nowIds] = [here.map(idOf), now.map(idOf)];
  const stayed = (ids, others) => ids.filter((id) => others.includes(id));
  const [before, after] = [stayed(hereIds, nowIds), stayed(nowIds, hereIds)];
  const isNew = (row) => concerns(row) && before.indexOf(idOf(row)) !== after.indexOf(idOf(row));
  const added = now.filter((row) => concerns(row) && !hereIds.includes(idOf(row))).length + (isAny ? 0 : now.filter(isNew).length);
  const gone = here.filter((row) => concerns(row) && !nowIds.includes(idOf(row)));
  keepFocus(current, () => {
    for (const row of now) {
      const old = here[hereIds.indexOf(idOf(row))];
      const made = old && renew(old, row);
      if (made !== old) old.replaceWith(made);
    }
    for (const row of gone) markGone(row);
  });
  showBar(added, gone.length);
  countSelected();
}

function markGone(row) {
  if (row.classList.contains("row-gone")) return;
  row.classList.add("row-gone");
  row.querySelector(".row-status").replaceChildren(element("span", { className: "badge" }, "Left the list"));
}

function showBar(added, gone) {
  const place = list()?.querySelector(".live-bar");
  if (!place) return;
  const text = [added && `${added} new`, gone && `${gone} gone`].filter(Boolean).join(", ");
  if (text === place.textContent) return;
  place.replaceChildren(...(text ? [element("button", { type: "button", className: "button button-primary button-small", "data-news": "" }, text)] : []));
}

/** The reader is at the top, has selected nothing and stands on no row. */
export function isReading() {
  const pane = list();
  if (!pane) return false;
  const isScrolled = pane.scrollTop > 0 || (!document.querySelector(".desk") && scrollY > 0);
  return isScrolled || pane.contains(document.activeElement) || Boolean(pane.querySelector(".row-check:checked"));
}

/** After the bar was pressed: from the top, where j and k go on. */
export function toFirstRow() {
  list()?.scrollTo(0, 0);
  rows()?.querySelector(".row-link")?.focus({ preventScroll: true });
}

// ---- Selection ----------------------------------------------------------------------------------------------------------

export function countSelected() {
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
